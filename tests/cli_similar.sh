#!/bin/bash
# How well stacks of real crashes find those of the same bug (docs/similarity.rst): the half of the corpus
# that weights and threshold were not chosen on must reach what they promise.
. "$(dirname "$0")/lib/testlib.sh"
need "$ANALYZE" "$O/tests/similar_scores"

"$PYTHON" "$LIB/similar.py" --check "$ANALYZE" "$O/tests/similar_scores" "$LIB/../corpus"
