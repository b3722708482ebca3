-- Third version: who lacks debug information belongs to the most frequent signature, not to the first.

-- Of how many crashes with debug information that signature is, of those that are this one without inlined
-- functions. The table inlined has what was decided by it.
CREATE TABLE twins (
	physical INTEGER NOT NULL REFERENCES signatures,
	signature INTEGER NOT NULL REFERENCES signatures,
	crashes INTEGER NOT NULL,
	PRIMARY KEY (physical, signature)
) STRICT, WITHOUT ROWID;
INSERT INTO twins
	SELECT physical, signature, count(*) FROM crashes
	WHERE rank = 0 AND physical IS NOT NULL GROUP BY physical, signature;
