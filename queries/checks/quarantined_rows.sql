--! title = { en = "Rows in quarantine", zh = "被隔离的行" }
--! description = { en = "Rows that broke a rule when loaded, by file and reason. They are kept word for word and count in no report.", zh = "导入时违反规则的行，按文件与原因汇总；原文保留，不计入任何报表。" }
--! severity = "warning"
--! grain = "one row per file, column and reason"

SELECT
  reason AS finding,
  'quarantine' AS "table",
  file AS key,
  concat(
    coalesce(concat('column ', "column", ': '), ''), coalesce(min(detail), reason),
    ', first on line ', CAST(min(line) AS VARCHAR)
  ) AS detail,
  count(*) AS "rows"
FROM quarantine
GROUP BY file, "column", reason
ORDER BY file, reason, "column"
