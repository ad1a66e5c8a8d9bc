-- What twins of features share. A day is 24 hours back from the cutoff; windows hold what is less than so many days old.
CREATE MACRO pace(lately, before, parts) AS (lately + 1)::DOUBLE / (before::DOUBLE / parts + 1);
CREATE MACRO times_gap(recency, tenure, n) AS CASE WHEN n > 1 THEN recency / greatest((tenure - recency) / (n - 1), 1) END;
