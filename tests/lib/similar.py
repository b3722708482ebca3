#!/usr/bin/python3
"""How well stacks are grouped: similar.py ANALYZE SCORES CORPUS [--choose | --check]

ANALYZE is build/bin/snapanalyze, SCORES build/tests/similar_scores, CORPUS tests/corpus. Exact groups are
those of "snapanalyze dedup"; similarity is measured on what SCORES says. The protocol is online: each report is compared with those before it alone. The programs of the corpus
are two halves: weights and threshold were chosen on one, the figures that count are the other's.
Prints the figures with the default weights, of other weights and measures, and of every threshold;
--choose goes through a grid of weights instead, --check says of each bar whether the held-out half
reaches it.
"""
import argparse
import bisect
import collections
import concurrent.futures
import itertools
import json
import lzma
import os
import subprocess
import tempfile

CHOSEN_ON = {"server", "scene", "fleet"}
HALVES = ("chosen on", "held out")
DEPTHS = (1, 2, 3, 5)
THRESHOLDS = [i / 20 for i in range(-18, 20)]


class Corpus:
    """Traces, the bug of each, and the build."""

    def __init__(self, reports):
        self.reports = list(reports)
        self.text = "\n\n".join(report[0] for report in self.reports) + "\n"
        self.labels = [report[1] for report in self.reports]

    def half(self, name):
        return Corpus(r for r in self.reports if (r[1].split(".")[0] in CHOSEN_ON) == (name == HALVES[0]))

    def with_debug_information(self):
        return Corpus(r for r in self.reports if "symbols" not in r[2] and "stripped" not in r[2])


def read(directory):
    with lzma.open(os.path.join(directory, "traces.xz"), "rt", encoding="utf-8") as f:
        columns = [f.read().strip("\n").split("\n\n")]
    for name in ("labels", "builds"):
        with open(os.path.join(directory, name), encoding="utf-8") as f:
            columns.append(f.read().split())
    assert len({len(column) for column in columns}) == 1
    return Corpus(zip(*columns))


def exact_groups(analyze, corpus, depth=None):
    """The group of each report by "snapanalyze dedup"; depth: by ids of so many frames."""
    line, at = 1, {}
    for i, (trace, _, _) in enumerate(corpus.reports):
        at[line] = i
        line += trace.count("\n") + 2
    groups = [f"- {i}" for i in range(len(corpus.reports))]
    with tempfile.TemporaryDirectory() as directory:
        traces, rules = os.path.join(directory, "traces"), os.path.join(directory, "rules")
        with open(traces, "w", encoding="utf-8") as f:
            f.write(corpus.text)
        with open(rules, "w", encoding="utf-8") as f:
            f.write(f"depth {depth}\n" if depth else "")
        # Status 1: not all functions have names.
        run = subprocess.run([analyze, "dedup", "--from", "plain", "--json", "--rules", rules, traces],
                             capture_output=True, text=True, check=False)
    assert run.returncode in (0, 1), run.stderr
    for group in json.loads(run.stdout)["groups"]:
        for name in group["files"]:
            groups[at[int(name.rsplit(":", 1)[1])]] = group["id"]
    return groups


class Scores:
    """Of each report: its signature, and [(number, similarity)] of earlier ones, the best first."""

    def __init__(self, program, text, *options):
        out = subprocess.run([program, *options], input=text, capture_output=True, text=True, check=True).stdout
        self.ids, self.hits = [], []
        for i, line in enumerate(out.splitlines()):
            signature, *hits = line.split("\t")
            self.ids.append(f"- {i}" if signature == "-" else signature)
            self.hits.append([(int(n), float(s)) for n, s in (hit.split(":") for hit in hits)])


def prefix_match(program, text, *options):
    """The same by the share of the longest common prefix, the simplest measure that is published."""
    scores = Scores.__new__(Scores)
    out = subprocess.run([program, "--functions", *options], input=text, capture_output=True, text=True,
                         check=True).stdout
    scores.ids, scores.hits, stacks, seen = [], [], [], set()
    for i, line in enumerate(out.splitlines()):
        signature, *functions = line.split("\t")
        signature = f"- {i}" if signature == "-" else signature
        kind, hits = signature.split(" ")[0], []
        for j, other_kind, other in stacks:
            common = 0
            for a, b in zip(functions, other):
                if a != b or a == "??":
                    break
                common += 1
            if kind == other_kind and common > 0:
                hits.append((j, 2 * common / max(len(functions), len(other)) - 1))
        scores.ids.append(signature)
        scores.hits.append(sorted(hits, key=lambda hit: (-hit[1], hit[0])))
        if signature not in seen or "--all" in options:
            seen.add(signature)
            stacks.append((i, kind, functions))
    return scores


# ---------------------------------------------------------------- figures


def retrieval(scores, labels):
    """(AUC, MAP, RR@1): is it a bug that was seen before? which one, by its most similar report?"""
    seen, new, old, ranks = set(), [], [], []
    for label, hits in zip(labels, scores.hits):
        best = hits[0][1] if hits else -1
        if label in seen:
            old.append(best)
            buckets = list(dict.fromkeys(labels[j] for j, _ in hits))
            ranks.append(1 / (buckets.index(label) + 1) if label in buckets else 0)
        else:
            new.append(best)
        seen.add(label)
    new.sort()
    wins = sum(bisect.bisect_left(new, s) + bisect.bisect_right(new, s) for s in old) / 2
    return wins / max(1, len(new) * len(old)), sum(ranks) / len(ranks), ranks.count(1) / len(ranks)


def bcubed(groups, labels):
    of_group, of_label, both = (collections.Counter(x) for x in (groups, labels, zip(groups, labels)))
    precision = sum(n * n / of_group[g] for (g, _), n in both.items()) / len(labels)
    recall = sum(n * n / of_label[b] for (_, b), n in both.items()) / len(labels)
    return precision, recall, 2 * precision * recall / (precision + recall)


def group(scores, threshold, leaders=False):
    """A new id joins the group of the most similar one, or begins one. leaders: of the most similar first."""
    groups, of_report, lead = {}, [], set()
    for i, (signature, hits) in enumerate(zip(scores.ids, scores.hits)):
        if signature not in groups:
            found = next((j for j, s in hits if s >= threshold and (not leaders or j in lead)), None)
            groups[signature] = of_report[found] if found is not None else i
            if found is None:
                lead.add(i)
        of_report.append(groups[signature])
    return of_report


def summary(scores, labels):
    auc, mean, first = retrieval(scores, labels)
    by_threshold = {t: bcubed(group(scores, t), labels) for t in THRESHOLDS}
    best = max(by_threshold, key=lambda t: by_threshold[t][2])
    return auc, mean, first, by_threshold, best


def show(name, scores, labels):
    auc, mean, first, by_threshold, best = summary(scores, labels)
    print(f"{name:28} AUC {auc:.3f}  MAP {mean:.3f}  RR@1 {first:.3f}  "
          f"F {by_threshold[best][2]:.3f} at {best:.2f}", flush=True)


def default_threshold(program):
    return float(subprocess.run([program, "--threshold"], capture_output=True, text=True, check=True).stdout)


def weights_options(alpha, beta, gamma):
    return ["--alpha", str(alpha), "--beta", str(beta), "--gamma", str(gamma)]


def choose(program, corpus):
    def one(weights):
        scores = Scores(program, corpus.text, *weights_options(*weights))
        auc, mean, first, by_threshold, best = summary(scores, corpus.labels)
        return weights, auc, mean, first, by_threshold[best][2], best

    # The best first; near the top, many are equal within a hundredth.
    grid = itertools.product((0, 0.25, 0.5, 1, 1.5, 2), (0, 0.01, 0.03, 0.1, 0.3), (0, 0.05, 0.1, 0.3, 1))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = sorted(pool.map(one, grid), key=lambda r: -(r[1] + r[2] + r[4]))
    for (alpha, beta, gamma), auc, mean, first, f, best in results:
        print(f"alpha {alpha:<5} beta {beta:<6} gamma {gamma:<5} AUC {auc:.3f}  MAP {mean:.3f}  RR@1 {first:.3f}  "
              f"F {f:.3f} at {best:.2f}  sum {auc + mean + f:.3f}")


def show_groups(name, analyze, program, corpus):
    scores, threshold = Scores(program, corpus.text), default_threshold(program)
    found = [("ids", scores.ids), ("similar", group(scores, threshold))]
    found += [(f"dedup, {depth} frames", exact_groups(analyze, corpus, depth)) for depth in DEPTHS]
    for what, groups in found:
        print(f"{name + ', ' + what:40} precision %.3f  recall %.3f  F %.3f" % bcubed(groups, corpus.labels))


def evaluate(analyze, program, corpus):
    text, labels = corpus.text, corpus.labels
    show_groups("all", analyze, program, corpus)
    show_groups("with debug information", analyze, program, corpus.with_debug_information())
    print()
    scores = Scores(program, text)
    show("defaults", scores, labels)
    show("defaults, every report", Scores(program, text, "--all"), labels)
    for weights in ((0.5, 0.03, 0.1), (1.5, 0.03, 0.1), (1, 0, 0.1), (1, 0.1, 0.1), (1, 0.03, 0), (1, 0.03, 0.3)):
        other = Scores(program, text, *weights_options(*weights))
        show("alpha %g, beta %g, gamma %g" % weights, other, labels)
    show("equal weights", Scores(program, text, *weights_options(0, 0, 0)), labels)
    show("all certain lines", Scores(program, text, "--lines", "certain"), labels)
    show("PrefixMatch", prefix_match(program, text), labels)
    print("\nthreshold  precision  recall  F      leaders alone: precision  recall  F")
    for t in THRESHOLDS:
        print("%9.2f  %9.3f  %6.3f  %.3f %25.3f  %6.3f  %.3f" % (
            t, *bcubed(group(scores, t), labels), *bcubed(group(scores, t, True), labels)))


def check(analyze, program, corpus):
    text, labels = corpus.text, corpus.labels
    scores, threshold = Scores(program, text), default_threshold(program)
    auc, mean, _ = retrieval(scores, labels)
    ids = bcubed(scores.ids, labels)
    exact = bcubed(exact_groups(analyze, corpus), labels)
    two = bcubed(exact_groups(analyze, corpus, 2), labels)
    groups = bcubed(group(scores, threshold), labels)
    equal = retrieval(Scores(program, text, *weights_options(0, 0, 0)), labels)
    prefix = retrieval(prefix_match(program, text), labels)
    known = corpus.with_debug_information()
    known_scores = Scores(program, known.text)
    # A little below what is reached.
    for name, value, least in (
            ("ids alone: F", ids[2], 0.59),
            ("ids alone, with debug information: F", bcubed(known_scores.ids, known.labels)[2], 0.70),
            ("exact groups: F", exact[2], 0.70),
            ("exact groups: precision", exact[0], 0.95),
            ("exact groups of two frames: F", two[2], 0.76),
            ("exact groups of two frames: precision", two[0], exact[0] - 0.01),
            ("new bug or not: AUC", auc, 0.88),
            ("which bug: MAP", mean, 0.895),
            ("better than equal weights: MAP", mean, equal[1] + 0.03),
            ("better than PrefixMatch: MAP", mean, prefix[1] + 0.03),
            ("ids and similarity: F", groups[2], 0.74),
            ("ids and similarity: precision", groups[0], 0.92),
            ("ids and similarity: recall", groups[1], ids[1] + 0.15),
            ("ids and similarity, with debug information: F",
             bcubed(group(known_scores, threshold), known.labels)[2], 0.83)):
        print(f"{'ok' if value >= least else 'not ok'} - {name} {value:.3f}, at least {least:.3f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("analyze")
    parser.add_argument("scores")
    parser.add_argument("corpus")
    parser.add_argument("--choose", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    corpus = read(options.corpus)
    if options.choose:
        return choose(options.scores, corpus.half(HALVES[0]))
    if options.check:
        return check(options.analyze, options.scores, corpus.half(HALVES[1]))
    for name in HALVES:
        half = corpus.half(name)
        print(f"\n{name}: {len(half.labels)} reports of {len(set(half.labels))} bugs")
        evaluate(options.analyze, options.scores, half)


if __name__ == "__main__":
    main()
