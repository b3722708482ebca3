-- The index, first version: crashes, and what is learned of their signatures.

-- One row: by which signatures it goes, and by a digest of which rules of the user's ('': none).
CREATE TABLE made (
	signatures TEXT NOT NULL,
	rules TEXT NOT NULL
) STRICT;

-- A signature's id, as crashes have it or their physical level has. text, functions and kept are those of
-- the first crash that has it: functions are names, innermost first, each with a NUL behind it; without
-- one it is not known. kept are those of them that count in the signature.
CREATE TABLE signatures (
	signature INTEGER PRIMARY KEY,
	id TEXT NOT NULL UNIQUE,
	kind TEXT NOT NULL,
	text TEXT,
	functions BLOB,
	kept BLOB
) STRICT;

-- A crash. file: where it is, or was: when that is gone, or holds something else, completeness is -1 minus
-- what it was. line: where it begins in a text with several, else 0.
-- belongs: its group; that is its own signature, or a better one of the same crash. rank tells how
-- much less than everything its signature knows, belongs_rank the same of its group's. physical: its
-- signature without inlined functions. first and frames: digests of where in the code its frames were, 8
-- bytes each, the innermost first; of those that could be known better.
CREATE TABLE crashes (
	crash INTEGER PRIMARY KEY,
	uuid BLOB UNIQUE,
	file TEXT NOT NULL,
	line INTEGER NOT NULL,
	captured_ns INTEGER NOT NULL,
	completeness INTEGER NOT NULL,
	kind TEXT NOT NULL,
	project TEXT,
	device TEXT,
	version TEXT,
	signature INTEGER REFERENCES signatures,
	belongs INTEGER REFERENCES signatures,
	rank INTEGER NOT NULL,
	belongs_rank INTEGER NOT NULL,
	physical INTEGER REFERENCES signatures,
	first INTEGER,
	frames BLOB
) STRICT;
CREATE INDEX crashes_by_group ON crashes (belongs, signature, captured_ns, version, device, completeness);
CREATE INDEX crashes_by_file ON crashes (file);
CREATE INDEX crashes_by_first ON crashes (first) WHERE belongs_rank > 0;
CREATE INDEX crashes_by_physical ON crashes (physical) WHERE belongs_rank > 0;

CREATE TABLE tags (
	crash INTEGER NOT NULL REFERENCES crashes,
	key TEXT NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (crash, key, value)
) STRICT, WITHOUT ROWID;

-- Files that were read, as they were then: as long as they are, they are not read again.
CREATE TABLE files (
	file TEXT PRIMARY KEY,
	inode INTEGER NOT NULL,
	size INTEGER NOT NULL,
	changed_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Learned: who stood at these frames, in this order, whatever was guessed to be between them, has this
-- signature. So has who is only known to have stood at the first of them, at least so many as telling
-- says, if there is no other signature of which that is true.
CREATE TABLE stacks (
	stack INTEGER PRIMARY KEY,
	first INTEGER NOT NULL,
	frames BLOB NOT NULL,
	telling INTEGER NOT NULL,
	signature INTEGER NOT NULL REFERENCES signatures,
	rank INTEGER NOT NULL,
	UNIQUE (first, frames)
) STRICT;

-- Which functions of signatures a build has; builds by digests of their IDs. Two that one build has are
-- not an old name of one and its new one.
CREATE TABLE built (
	function TEXT NOT NULL,
	build INTEGER NOT NULL,
	PRIMARY KEY (function, build)
) STRICT, WITHOUT ROWID;

-- Learned: whose signature is this one without inlined functions has that one with them.
CREATE TABLE inlined (
	physical INTEGER PRIMARY KEY REFERENCES signatures,
	signature INTEGER NOT NULL REFERENCES signatures
) STRICT;
