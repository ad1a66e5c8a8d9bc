--! title = { en = "Retention", zh = "客户留存" }
--! description = { en = "How many customers of each cohort are active again. Cohort: calendar period of the customer's first activity (first-time). Age 0 is the cohort's own period. Kind `on`: active in that very period; `on_or_after`: in it or later; `every`: in every period from the first up to it. Every cell up to today is there, zeros included; a period that has not ended is flagged.", zh = "各同期群客户的再次活跃情况。同期群：客户首次活动所在的日历周期（首次口径）；第 0 期为同期群自身周期。口径 on：当期活跃；on_or_after：当期或以后活跃；every：从首期到当期每期都活跃。截至报表日期的每个格子都会列出（含零）；尚未结束的周期会标注。" }
--! group = "retention"
--! grain = "one row per cohort and age"
--! chart = { kind = "heatmap", x = "age", y = ["share"], series = "cohort", complete = "complete", count = "cohort_size" }
--!
--! [params.activity]
--! title = { en = "Activity", zh = "活动" }
--! type = "list"
--! default = []
--! doc = { en = "Activity that counts as start and as return; empty means any", zh = "计为首次与再次活跃的活动名称；留空表示任意活动" }
--!
--! [params.kind]
--! title = { en = "Kind", zh = "口径" }
--! type = "choice"
--! default = "on"
--! choices = ["on", "on_or_after", "every"]
--! doc = { en = "What counts as retained", zh = "留存口径" }
--!
--! [columns.customers]
--! title = { en = "Customers", zh = "客户数" }
--! unit = "count"
--! doc = { en = "Customers of the cohort retained at that age", zh = "该期留存的客户数" }
--! [columns.share]
--! title = { en = "Retained", zh = "留存率" }
--! unit = "share"
--! doc = { en = "Customers divided by cohort size", zh = "留存客户数除以同期群规模" }
--! [labels]
--! on = { en = "In the period", zh = "当期" }
--! on_or_after = { en = "In or after the period", zh = "当期或之后" }
--! every = { en = "In every period so far", zh = "此前每期" }

--- Who came back? Reads only `activity`: a mapping that wants orders to count
--- writes them there too, e.g. as `purchase`.
--- Cohorts and ages are period ordinals until the end, where they become dates.

WITH histories AS (
  SELECT history['cohort'] AS first_period, history['ages'] AS ages
  FROM (
    SELECT retention(occurred_at, $period, $tz) AS history
    FROM activity
    WHERE customer_key IS NOT NULL
      AND (cardinality($activity) = 0 OR one_of(name, $activity))
    GROUP BY customer_key
  )
),
-- The cohort is computed from the key, not the key itself: DataFusion 55 takes
-- a GROUP BY key for unique even after an unnest beside it, and then drops `age`
-- from ORDER BY.
cohorts AS (
  SELECT
    period_index($period, first_period) AS cohort,
    count(*) AS cohort_size,
    retained(ages, $kind) AS retained
  FROM histories
  GROUP BY first_period
),
cells AS (
  SELECT
    cohort,
    cohort_size,
    retained,
    unnest(range(0, period_index($period, period($period, $as_of, $tz)) - cohort + 1)) AS age
  FROM cohorts
),
counted AS (
  SELECT
    period_add($period, DATE '1970-01-01', cohort) AS cohort,
    age,
    coalesce(array_element(retained, age + 1), 0) AS customers,
    cohort_size
  FROM cells
)
SELECT
  cohort,
  age,
  customers,
  cohort_size,
  CAST(customers AS DOUBLE) / cohort_size AS share,
  period_complete($period, period_add($period, cohort, age), $as_of, $tz) AS complete
FROM counted
ORDER BY cohort, age
