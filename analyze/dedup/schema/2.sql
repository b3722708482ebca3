-- Second version: groups of similar stacks.

-- Whose group a signature joined, by what similarity; itself: it leads one.
CREATE TABLE leaders (
	signature INTEGER PRIMARY KEY REFERENCES signatures,
	leader INTEGER NOT NULL REFERENCES signatures,
	similarity REAL
) STRICT;
