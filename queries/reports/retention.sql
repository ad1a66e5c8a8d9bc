--! title = { en = "Retention", zh = "客户留存" }
--! description = { en = "How many customers of each cohort are active again. A cohort is the calendar period of the customer's first start activity. Age 0 is the cohort's own period. The kind says when a customer is retained at an age: active in that very period, in it or later, in every period from age 1 up to it, or in at least one age of a bracket. A period that has not ended is flagged, and its share can still rise; in or after the period, every share can.", zh = "各同期群的客户有多少再次活跃。同期群为客户首次起始行为所在的日历周期。第 0 期为同期群自身周期。口径决定怎样算留存：当期活跃、当期或之后活跃、从第 1 期到当期每期都活跃，或在区间内至少活跃一期。尚未结束的周期会标注，其留存率仍可能上升；“当期或之后”的每一格都可能上升。" }
--! group = "retention"
--! grain = "one row per breakdown value, cohort and age; with kind bracket one per breakdown value and cohort"
--! chart = { kind = "heatmap", x = "age", y = ["share"], series = "cohort", facet = "breakdown", low = "low", high = "high", complete = "complete", count = "cohort_size" }
--!
--! [params.start]
--! title = { en = "Start activity", zh = "起始行为" }
--! type = "activities"
--! default = []
--! doc = { en = "Activity that puts a customer into a cohort; empty means any", zh = "将客户计入同期群的行为名称；留空表示任意行为" }
--!
--! [params.return]
--! title = { en = "Return activity", zh = "留存行为" }
--! type = "activities"
--! default = []
--! doc = { en = "Activity that counts as retained. Empty means the same as the start activity, so age 0 is 100 %; with one, age 0 is the share that had it in the cohort's own period, before or after they started", zh = "计为留存的行为名称。留空表示与起始行为相同，第 0 期为 100%；指定后，第 0 期为在同期群自身周期内发生过该行为的占比，不论先后" }
--!
--! [params.cohort]
--! title = { en = "Cohort by", zh = "同期群依据" }
--! type = "choice"
--! default = "first_time"
--! choices = ["first_time", "recurring"]
--! doc = { en = "By the first start activity, or by any: then a customer is in a cohort for every period they started in", zh = "按首次起始行为，或按任意一次：此时客户在每个有起始行为的周期都计入当期同期群" }
--!
--! [params.kind]
--! title = { en = "Kind", zh = "口径" }
--! type = "choice"
--! default = "on"
--! choices = ["on", "on_or_after", "bracket", "every"]
--! doc = { en = "What counts as retained", zh = "留存口径" }
--!
--! [params.bracket_from]
--! title = { en = "Bracket from", zh = "区间起始期" }
--! type = "integer"
--! default = 1
--! most = 10000.0
--! up_to = "bracket_to"
--! doc = { en = "First age of the bracket", zh = "区间的第一期" }
--!
--! [params.bracket_to]
--! title = { en = "Bracket to", zh = "区间结束期" }
--! type = "integer"
--! default = 4
--! most = 10000.0
--! doc = { en = "First age after the bracket, itself not in it", zh = "区间之后的第一期（不含）" }
--!
--! [params.from]
--! title = { en = "From", zh = "起始日期" }
--! type = "date"
--! up_to = "to"
--! doc = { en = "Cohorts from the one that holds this day", zh = "自该日所在的同期群起" }
--!
--! [params.to]
--! title = { en = "To", zh = "截止日期" }
--! type = "date"
--! doc = { en = "Cohorts up to the one that holds this day", zh = "至该日所在的同期群止" }
--!
--! [columns.customers]
--! title = { en = "Customers", zh = "客户数" }
--! unit = "count"
--! doc = { en = "Customers of the cohort retained at that age", zh = "该期留存的客户数" }
--! [columns.share]
--! title = { en = "Retained", zh = "留存率" }
--! unit = "share"
--! doc = { en = "Customers divided by cohort size", zh = "留存客户数除以同期群规模" }
--! [columns.complete]
--! title = { en = "Complete", zh = "数据完整" }
--! unit = "flag"
--! doc = { en = "Whether that period had ended by the report's date; of a bracket, its last period", zh = "截至报表日期该期是否已结束；口径为“区间内”时取区间最后一期" }
--! [labels]
--! first_time = { en = "First start", zh = "首次起始" }
--! recurring = { en = "Any start", zh = "任意起始" }
--! on = { en = "In the period", zh = "当期" }
--! on_or_after = { en = "In or after the period", zh = "当期或之后" }
--! bracket = { en = "Within a bracket", zh = "区间内" }
--! every = { en = "In every period so far", zh = "此前每期" }

--- Who came back? Reads only `activity`: a mapping that wants orders to count
--- writes them there too, e.g. as `purchase`.
--- Cohorts and ages are period ordinals until the end, where they become dates.

-- What a cohort by any start, or another return than the start, needs of a customer.
WITH histories AS (
  SELECT
    customer_key,
    period_index($period, starts['cohort']) AS first_start,
    starts['ages'] AS start_ages,
    period_index(
      $period,
      CASE WHEN cardinality($return) > 0 AND returns IS NOT NULL THEN returns['cohort'] ELSE starts['cohort'] END
    ) AS first_return,
    CASE cardinality($return)
      WHEN 0 THEN starts['ages']
      ELSE coalesce(returns['ages'], arrow_cast([], 'List(Int64)'))
    END AS return_ages
  FROM (
    SELECT
      customer_key,
      retention(occurred_at, $period, $tz)
        FILTER (WHERE cardinality($start) = 0 OR one_of(name, $start)) AS starts,
      retention(occurred_at, $period, $tz) FILTER (WHERE one_of(name, $return)) AS returns
    FROM activity
    WHERE customer_key IS NOT NULL
      AND ($cohort = 'recurring' OR cardinality($return) > 0)
    GROUP BY customer_key
  )
  WHERE starts IS NOT NULL
),
-- One row per customer and cohort. Ages of returns count from the first return:
-- `shift` of them lie before the cohort.
entries AS (
  SELECT
    customer_key,
    first_start + start_age AS cohort_no,
    first_start + start_age - first_return AS shift,
    return_ages,
    CAST(cardinality(return_ages) AS BIGINT) AS n_ages
  FROM (
    SELECT
      customer_key,
      first_start,
      unnest(CASE $cohort WHEN 'recurring' THEN start_ages ELSE [0] END) AS start_age,
      first_return,
      return_ages
    FROM histories
  )
),
-- The place of the first age that is not before the cohort.
placed AS (
  SELECT
    *,
    CAST(array_position(array_sort(array_append(return_ages, shift)), shift) AS BIGINT) AS place
  FROM entries
),
members AS (
  SELECT customer_key, period_index($period, history['cohort']) AS cohort_no, history['ages'] AS ages
  FROM (
    SELECT customer_key, retention(occurred_at, $period, $tz) AS history
    FROM activity
    WHERE customer_key IS NOT NULL
      AND (cardinality($start) = 0 OR one_of(name, $start))
      AND $cohort = 'first_time'
      AND cardinality($return) = 0
    GROUP BY customer_key
  )
  UNION ALL
  SELECT
    customer_key,
    cohort_no,
    array_add(array_slice(return_ages, place, n_ages), array_repeat(-shift, n_ages - place + 1))
  FROM placed
),
cohorts AS (
  SELECT
    $breakdown AS breakdown,
    members.cohort_no,
    count(*) AS cohort_size,
    retained(
      CASE
        -- No history is as long as 100 000 days.
        WHEN $kind = 'bracket'
          AND array_has_any(members.ages, range(greatest($bracket_from, 0), least($bracket_to, 100000)))
          THEN [$bracket_from]
        WHEN $kind = 'bracket' THEN []
        WHEN $kind = 'every' AND NOT array_has(members.ages, 0) THEN array_prepend(0, members.ages)
        ELSE members.ages
      END,
      CASE $kind WHEN 'bracket' THEN 'on' ELSE $kind END
    ) AS retained
  FROM members
  LEFT JOIN customers ON customers.customer_key = members.customer_key
  WHERE ($from IS NULL OR members.cohort_no >= period_index($period, $from))
    AND ($to IS NULL OR members.cohort_no <= period_index($period, $to))
  GROUP BY $breakdown, members.cohort_no
),
-- The cohort is computed from the key, not the key itself: DataFusion 55 takes
-- GROUP BY keys for unique even after an unnest beside them, and then drops `age`
-- from ORDER BY.
cells AS (
  SELECT
    breakdown,
    period_add($period, DATE '1970-01-01', cohort_no) AS cohort,
    cohort_size,
    retained,
    unnest(
      CASE $kind
        WHEN 'bracket' THEN range($bracket_from, least($bracket_to, $bracket_from + 1, n_ages))
        ELSE range(0, n_ages)
      END
    ) AS age
  FROM (
    SELECT *, period_index($period, period($period, $as_of, $tz)) - cohort_no + 1 AS n_ages
    FROM cohorts
  )
),
counted AS (
  SELECT
    breakdown,
    cohort,
    age,
    coalesce(array_element(retained, age + 1), 0) AS customers,
    cohort_size,
    CASE $kind WHEN 'bracket' THEN $bracket_to - 1 ELSE age END AS last_age
  FROM cells
)
SELECT
  cohort,
  breakdown,
  age,
  customers,
  cohort_size,
  CAST(customers AS DOUBLE) / cohort_size AS share,
  wilson(customers, cohort_size)['low'] AS low,
  wilson(customers, cohort_size)['high'] AS high,
  period_complete($period, period_add($period, cohort, last_age), $as_of, $tz) AS complete
FROM counted
ORDER BY breakdown NULLS FIRST, cohort, age
