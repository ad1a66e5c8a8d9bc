"""Does every report of Tenure answer what a query written from its description alone answers?

    python -m venv ~/venv && ~/venv/bin/pip install -r requirements.txt deltalake
    ~/venv/bin/python reports.py STORE --tenure ../../target/release/tenure [--time] [NAME ...]

STORE is a folder that Tenure has loaded, of generated data such as
datasets/sample: the cases name its activity and attributes. `reports/NAME.sql`
is the twin of the report NAME: DuckDB queries over the store's Parquet files,
written from what the report's head and the docs of the tables say, not from its
SQL. Lines `-- case: key=value …` before a query are the settings it is asked
with, one run for each; as_of and tz may be among them. A query reads them as
getvariable('key'): all are text, null if not set, but as_of is always the
instant and tz always a zone. `reports/macros.sql` is what twins share.

Columns, rows and their order must be the same: floats to within a billionth of
themselves, money, counts and all else exactly. Exits with 1 if they are not, or
if a report has no twin or a twin no report. `--time` times both as well: best
of three on two threads, Tenure's without the start of the process.
"""
import argparse, datetime, glob, io, itertools, json, math, os, re, shlex, subprocess, sys, time
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import deltalake, duckdb, numpy, pyarrow, scipy.optimize
import pyarrow.parquet

HERE = os.path.dirname(os.path.abspath(__file__))
RUNS, THREADS, SHOWN = 3, 2, 5
# Reports that DuckDB can not answer, with the reason.
LIKELIHOOD = "fitted by maximum likelihood; tests/real_data.rs holds it to published figures"
NO_TWIN: dict[str, str] = {"clv": LIKELIHOOD, "clv_backtest": LIKELIHOOD, "clv_model": LIKELIHOOD}

TYPES = {"text": "VARCHAR", "int": "BIGINT", "num": "DOUBLE", "money": "DECIMAL(18, 4)", "flag": "BOOLEAN",
         "time": "TIMESTAMPTZ", "map": "MAP(VARCHAR, VARCHAR)"}


@dataclass
class Table:
    """What src/schema/spec.rs says of a table; a column without a type is text."""
    columns: str
    time: str | None = None
    key: list[str] = field(default_factory=list)
    later: dict[str, list[str]] = field(default_factory=dict)
    stamps: str = "known_at:time load_id:int row_no:int"

    def types(self) -> dict[str, str]:
        pairs = (column.partition(":") for column in f"{self.columns} {self.stamps}".split())
        return {name: TYPES[kind or "text"] for name, _, kind in pairs}


CUSTOMER = "customer_key:int customer_id"
TABLES = {
    "customers": Table(f"{CUSTOMER} name owner_id segment channel region industry status created_at:time "
                       "attributes:map implied:flag", "created_at", ["customer_id"]),
    "activity": Table(f"{CUSTOMER} name occurred_at:time feature quantity:num event_id attributes:map", "occurred_at"),
    "orders": Table(f"{CUSTOMER} order_id line_id product quantity:num amount:money currency occurred_at:time "
                    "attributes:map", "occurred_at", ["order_id", "line_id"]),
    "subscriptions": Table(f"{CUSTOMER} subscription_id plan mrr:money currency started_at:time ends_at:time "
                           "ended_at:time attributes:map", "started_at", ["subscription_id"], {"ended_at": ["ended_at"]}),
    "opportunities": Table(f"{CUSTOMER} opportunity_id owner_id name product source stage status amount:money currency "
                           "probability:num created_at:time expected_close_at:time closed_at:time attributes:map",
                           "created_at", ["opportunity_id"], {"closed_at": ["closed_at", "status", "stage"]}),
    "opportunity_stages": Table("opportunity_id stage occurred_at:time amount:money currency", "occurred_at"),
    "tickets": Table(f"{CUSTOMER} ticket_id owner_id category priority subject status occurred_at:time "
                     "first_response_at:time closed_at:time reopened:int satisfaction:num attributes:map",
                     "occurred_at", ["ticket_id"],
                     {"first_response_at": ["first_response_at"],
                      "closed_at": ["closed_at", "status", "reopened", "satisfaction"]}),
    "campaigns": Table("campaign_id name channel started_at:time ended_at:time cost:money currency attributes:map",
                       "started_at", ["campaign_id"]),
    "touches": Table(f"{CUSTOMER} touch_id campaign_id owner_id channel kind occurred_at:time responded_at:time "
                     "attributes:map", "occurred_at", ["touch_id"], {"responded_at": ["responded_at"]}),
    "surveys": Table(f"{CUSTOMER} response_id kind score:num comment occurred_at:time attributes:map",
                     "occurred_at", ["response_id"]),
    "owners": Table("owner_id name team region email attributes:map", None, ["owner_id"]),
    "products": Table("product_id name category price:money currency attributes:map", None, ["product_id"]),
    "labels": Table(f"{CUSTOMER} name value:flag", None, ["customer_id", "name"]),
    "quarantine": Table("file line:int column reason detail raw", stamps="known_at:time load_id:int"),
    "scores": Table(f"{CUSTOMER} probability:num band churn_30:num churn_60:num churn_90:num churn_180:num "
                    "remaining_days:num logit:num base:num reasons unsure what_if "
                    "value_at_risk:money currency owner_id model "
                    "cutoff:time", "cutoff", stamps="known_at:time run_id:int"),
    "alerts": Table(f"{CUSTOMER} kind band_from band_to probability_before:num probability:num value_at_risk:money currency "
                    "reason reason_zh owner_id suppressed quiet_until:time model_changed:flag model cutoff:time", "cutoff",
                    stamps="known_at:time run_id:int"),
}
# What a column that is not yet known shows, if not null: a deal is open before it closed.
BEFORE = {("opportunities", "status"): "'open'"}
# What Tenure writes itself does not say when the data ends.
OWN = {"scores", "alerts", "quarantine"}
# When what a view shows was known; null: now.
KNOWN = "getvariable('known_as_of')"
# Of the normal prior of `nonnegative_logistic`.
VARIANCE = 25.0


class Store:
    """DuckDB over the Parquet files of a store; its tables are views that stand at as_of."""

    def __init__(self, folder: str):
        self.base = duckdb.connect()
        self.base.execute(f"SET TimeZone = 'UTC'; SET threads = {THREADS}")
        self.base.create_function("nonnegative_logistic", nonnegative_logistic, ["BOOLEAN[]", "DOUBLE[][]"], "DOUBLE[]",
                                  type="arrow")
        for name, table in TABLES.items():
            self.base.execute(f"CREATE VIEW stored_{name} AS {stored(table, f'{folder}/tables/{name}')}")
            self.base.execute(f"CREATE VIEW {name} AS {self.cut(name, table)}")
        self.end, self.set = self.newest(), {}
        # A macro is made when the variables that it reads have types.
        self.stand({})
        self.base.execute(open(f"{HERE}/reports/macros.sql", encoding="utf-8").read())

    def cut(self, name: str, table: Table) -> str:
        """The newest version of each row, then rows that have happened, then what is known of them."""
        # What a source says of a customer goes before what facts imply.
        first = ["implied ASC NULLS LAST"] if name == "customers" else []
        order = ", ".join(first + [f"{stamp} DESC NULLS LAST" for stamp in ("load_id", "known_at", "row_no")])
        whole = " AND ".join(f"{key} IS NOT NULL" for key in table.key)
        versions = f"SELECT * FROM stored_{name} WHERE {KNOWN} IS NULL OR known_at <= {KNOWN}::TIMESTAMPTZ"
        keys = ", ".join(table.key)
        # Ranking is left out where no key repeats, as Tenure leaves it out.
        if keys and self.base.execute(f"SELECT count(*) > count(DISTINCT ({keys})) FROM stored_{name} "
                                      f"WHERE {whole}").fetchall()[0][0]:
            versions += f" QUALIFY NOT ({whole}) OR row_number() OVER (PARTITION BY {keys} ORDER BY {order}) = 1"
        as_of = "getvariable('as_of')::TIMESTAMPTZ"
        waits = {column: at for at, hidden in table.later.items() for column in hidden}
        columns = ", ".join(
            f'CASE WHEN {waits[column]} > {as_of} THEN {BEFORE.get((name, column), "NULL")} ELSE "{column}" END AS "{column}"'
            if column in waits else f'"{column}"' for column in table.types())
        happened = f" WHERE {table.time} IS NULL OR {table.time} <= {as_of}" if table.time else ""
        return f"SELECT {columns} FROM ({versions}) AS versions{happened}"

    def newest(self) -> datetime.datetime:
        """The end of the data: the newest instant at which anything happened and that has come."""
        columns = [(name, column) for name, table in TABLES.items() if name not in OWN
                   for column in [table.time, *table.later] if column]
        union = " UNION ALL ".join(f"SELECT max({column}) AS stamp FROM stored_{name} WHERE {column} <= now()"
                                   for name, column in columns)
        return self.base.execute(f"SELECT max(stamp) FROM ({union})").fetchall()[0][0]

    def stand(self, settings: dict[str, str]) -> None:
        """Sets the variables that a query with these settings reads."""
        for name in self.set:
            self.base.execute(f"RESET VARIABLE \"{name}\"")
        self.set = dict(settings)
        values = {"tz": "UTC", **settings}
        values["as_of"] = instant(settings["as_of"], ZoneInfo(values["tz"])) if "as_of" in settings else self.end
        for name, value in values.items():
            self.base.execute(f"SET VARIABLE \"{name}\" = ?", [value])

    def past(self, view: str) -> None:
        """Makes a table of what a view says just before each of `cutoffs`, of what was known by then."""
        stood = self.set
        cutoffs = self.base.execute("SELECT cutoff FROM cutoffs").fetchall()
        self.base.execute(f"CREATE OR REPLACE TABLE {view}_past AS SELECT now() AS cutoff, * FROM {view} LIMIT 0")
        for (cutoff,) in cutoffs:
            for name in ("as_of", "known_as_of"):
                self.base.execute(f"SET VARIABLE {name} = ?", [cutoff - datetime.timedelta(microseconds=1)])
            self.base.execute(f"INSERT INTO {view}_past SELECT ?, * FROM {view}", [cutoff])
        self.base.execute("RESET VARIABLE known_as_of")
        self.stand(stood)

    def answer(self, sql: str) -> tuple[list[str], list[tuple]]:
        for view in sorted(set(re.findall(r"\b(\w+)_past\b", sql))):
            self.past(view)
        cursor = self.base.execute(sql)
        return [column[0] for column in cursor.description], cursor.fetchall()


def nonnegative_logistic(events: pyarrow.ChunkedArray, signals: pyarrow.ChunkedArray) -> pyarrow.Array:
    """The intercept, then the weights, of each list of rows; null without both kinds of rows."""
    return pyarrow.array([None if None in (y, x) or len(set(y)) < 2 else likeliest(numpy.array(x), numpy.array(y, float))
                          for y, x in zip(events.to_pylist(), signals.to_pylist())], pyarrow.list_(pyarrow.float64()))


def likeliest(signals: numpy.ndarray, events: numpy.ndarray) -> list[float]:
    """L-BFGS-B says which weights are 0, Newton's method what the others are; both again until no 0 would rather be more."""
    rows = numpy.column_stack([numpy.ones(len(events)), signals])
    prior = numpy.array([0.0] + [1 / VARIANCE] * signals.shape[1])

    def loss(weights):
        z = rows @ weights
        return (numpy.logaddexp(0, z).sum() - events @ z + (prior * weights ** 2).sum() / 2,
                rows.T @ (scipy.special.expit(z) - events) + prior * weights)

    bounds = [(None, None)] + [(0, None)] * signals.shape[1]
    found = scipy.optimize.minimize(loss, numpy.zeros(len(prior)), jac=True, method="L-BFGS-B", bounds=bounds,
                                    options={"maxiter": 5000, "ftol": 1e-14, "gtol": 1e-9}).x
    free = found > 1e-6
    free[0] = True
    while True:
        weights = numpy.where(free, found, 0.0)
        for _ in range(50):
            p = scipy.special.expit(rows[:, free] @ weights[free])
            curve = (rows[:, free].T * (p * (1 - p))) @ rows[:, free] + numpy.diag(prior[free])
            weights[free] -= numpy.linalg.solve(curve, loss(weights)[1][free])
        below, wanted = free & (weights < 0), ~free & (loss(weights)[1] < -1e-9)
        below[0] = False
        if not below.any() and not wanted.any():
            return weights.tolist()
        free = free & ~below | (wanted if not below.any() else False)


def stored(table: Table, folder: str) -> str:
    """All rows of a table; none, with its columns, if it was never loaded."""
    if not deltalake.DeltaTable.is_deltatable(folder):
        nothing = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in table.types().items())
        return f"SELECT {nothing} WHERE false"
    columns = ", ".join(f'"{name}"::{kind} AS "{name}"' for name, kind in table.types().items())
    return f"SELECT {columns} FROM read_parquet({deltalake.DeltaTable(folder).file_uris()!r})"


def instant(text: str, zone: ZoneInfo) -> datetime.datetime:
    """What --as-of means: an instant as it is, a date as the end of that day."""
    if len(text) > len("2024-09-30"):
        return datetime.datetime.fromisoformat(text)
    midnight = datetime.datetime.fromisoformat(text).replace(tzinfo=zone) + datetime.timedelta(days=1)
    return midnight.astimezone(datetime.UTC) - datetime.timedelta(microseconds=1)


@dataclass
class Case:
    """A query and the settings it answers."""
    report: str
    settings: dict[str, str]
    sql: str

    def words(self) -> str:
        return " ".join([self.report, *(f"{name}={value}" for name, value in self.settings.items())])


def cases(file: str) -> list[Case]:
    """The cases of a twin: settings that stand together share the query after them."""
    report, found = os.path.basename(file).removesuffix(".sql"), []
    lines = open(file, encoding="utf-8").read().splitlines()
    is_case = lambda line: line.startswith("-- case:")
    groups = [list(lines) for _, lines in itertools.groupby(lines, is_case)]
    start = next((at for at, group in enumerate(groups) if is_case(group[0])), len(groups))
    for heads, body in zip(groups[start::2], groups[start + 1::2]):
        for head in heads:
            words = shlex.split(head.removeprefix("-- case:"))
            found.append(Case(report, dict(word.split("=", 1) for word in words), "\n".join(body)))
    return found


def tenure(binary: str, store: str, case: Case, *more: str) -> tuple[list[str], list[tuple], str]:
    """Columns and rows of a report, and what was said on standard error."""
    words = [["--as-of", value] if name == "as_of" else ["--set", f"{name}={value}"]
             for name, value in case.settings.items()]
    # Parquet, unlike CSV, keeps types, and null apart from the empty text.
    ran = subprocess.run([binary, "report", case.report, "--store", store, *sum(words, []), "--format", "parquet", *more],
                         env={**os.environ, "TENURE_ENGINE_PARTITIONS": str(THREADS)}, capture_output=True, check=True)
    table = pyarrow.parquet.read_table(io.BytesIO(ran.stdout))
    columns = [column.to_pylist() for column in table.columns]
    return table.column_names, list(zip(*columns)), ran.stderr.decode()


def same(ours: object, theirs: object) -> bool:
    """Floats nearly, everything else exactly; no number equals a flag or text."""
    flags = isinstance(ours, bool) + isinstance(theirs, bool)
    if flags == 0 and isinstance(ours, float) | isinstance(theirs, float) and None not in (ours, theirs):
        return math.isclose(float(ours), float(theirs), rel_tol=1e-9, abs_tol=1e-12)
    return flags != 1 and ours == theirs


def said(names: list[str], rows: list[tuple], case: Case) -> tuple[list[str], list[tuple]]:
    """An answer without the columns that a twin leaves out: `-- drawn: low high`, made of random samples."""
    drawn = re.findall(r"^-- drawn: (.*)$", case.sql, re.MULTILINE)
    kept = [at for at, name in enumerate(names) if name not in " ".join(drawn).split()]
    return [names[at] for at in kept], [tuple(row[at] for at in kept) for row in rows]


def differences(ours: tuple[list[str], list[tuple]], theirs: tuple[list[str], list[tuple]]) -> list[str]:
    """What differs, in words; the cells only if the shapes are the same."""
    (names, rows), (expected, answers) = ours, theirs
    if names != expected:
        return [f"columns: ours {', '.join(names)}; DuckDB {', '.join(expected)}"]
    cells = [f"{name}, row {at}: ours {a!r}, DuckDB {b!r}"
             for at, pair in enumerate(zip(rows, answers), 1) for name, a, b in zip(names, *pair) if not same(a, b)]
    return ([f"rows: ours {len(rows)}, DuckDB {len(answers)}"] if len(rows) != len(answers) else []) + cells


def seconds(run) -> float:
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return min(times)


def compare(store: Store, folder: str, binary: str, case: Case) -> bool:
    """Prints the verdict on one case."""
    store.stand(case.settings)
    try:
        names, rows, _ = tenure(binary, folder, case)
        found = differences(said(names, rows, case), store.answer(case.sql))
    except subprocess.CalledProcessError as error:
        found = [error.stderr.decode().strip()]
    except duckdb.Error as error:
        found = [str(error)]
    if not found:
        print(f"ok {case.words()} ({len(rows)} rows)", flush=True)
        return True
    more = [f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    print("\n    ".join([f"DIFFERS {case.words()}", *found[:SHOWN], *more]), flush=True)
    return False


def timed(store: Store, folder: str, binary: str, chosen: list[Case]) -> None:
    """Every case by itself, then each report: the sums over its cases."""
    head = "| {} | Tenure | DuckDB | Tenure ÷ DuckDB |\n|---|---|---|---|"
    row = lambda words, ours, theirs: print(f"| {words} | {ours:.3f} s | {theirs:.3f} s | {ours / theirs:.2f} |", flush=True)
    sums = {}
    print(head.format("case"))
    for case in chosen:
        store.stand(case.settings)
        _, _, said = tenure(binary, folder, case, "--repeat", str(RUNS))
        ours = min(json.loads(line)["seconds"] for line in said.splitlines() if line.startswith("{"))
        theirs = seconds(lambda: store.answer(case.sql))
        row(case.words(), ours, theirs)
        before = sums.get(case.report, (0, 0, 0))
        sums[case.report] = before[0] + 1, before[1] + ours, before[2] + theirs
    print("\n" + head.format("report, cases"))
    for report, (n, ours, theirs) in sums.items():
        row(f"{report}, {n}", ours, theirs)


def unmatched(binary: str, twins: set[str], names: list[str]) -> list[str]:
    """Reports without a twin, and what is asked for or has a twin and is no report; only `names`, if there are any."""
    listed = subprocess.run([binary, "report", "--format", "json"], capture_output=True)
    if listed.returncode != 0:
        sys.exit(listed.stderr.decode())
    reports = {report["name"] for report in json.loads(listed.stdout)}
    wanted = set(names) or reports | twins
    return ([f"report {name} has no twin" for name in sorted(wanted & reports - twins - NO_TWIN.keys())]
            + [f"there is no report {name}" for name in sorted(wanted - reports)])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("store")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these reports")
    parser.add_argument("--tenure", default="tenure", metavar="BIN")
    parser.add_argument("--time", action="store_true")
    args = parser.parse_intermixed_args()
    files = sorted(set(glob.glob(f"{HERE}/reports/*.sql")) - {f"{HERE}/reports/macros.sql"})
    found = [case for file in files for case in cases(file)]
    chosen = [case for case in found if not args.names or case.report in args.names]
    missing = unmatched(args.tenure, {case.report for case in found}, args.names)
    store = Store(args.store)
    equal = [case for case in chosen if compare(store, args.store, args.tenure, case)]
    for problem in missing:
        print(problem)
    if args.time:
        timed(store, args.store, args.tenure, equal)
    sys.exit(0 if equal == chosen and not missing else 1)


if __name__ == "__main__":
    main()
