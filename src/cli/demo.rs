//! `tenure demo`: from an empty folder to a dashboard, in one command.

use std::path::{Path, PathBuf};

use comfy_table::{Cell, CellAlignment};

use super::generate::{PlanArgs, generate};
use super::ingest::Bar;
use super::{ingest, output, score, serve, train};
use crate::churn::ChurnSpec;
use crate::config::{Config, Language};
use crate::error::{Error, ErrorKind, Result};
use crate::generate::{Oracle, Plan};
use crate::ingest::IngestOptions;
use crate::reports::render::{Format, render, ruled};
use crate::reports::{Purpose, ReportRequest};
use crate::tenure::{Promotion, Tenure, TrainSummary};

/// Generate a CRM's data, load it, report, train, score and serve it
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder for the files, the truth and the store
    #[arg(long, default_value = "tenure-demo")]
    dir: PathBuf,
    #[command(flatten)]
    plan: PlanArgs,
    /// End after the scores instead of serving them
    #[arg(long)]
    no_serve: bool,
    /// Address of the dashboard
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
}

pub(super) async fn run(args: Args, mut config: Config) -> Result<()> {
    // The demo must not end up in a store with the user's own customers.
    config.store = args.dir.join("store").display().to_string();
    let language = config.language;
    let tenure = Tenure::with_config(config)?;
    let step = |number: u8, verb: &str, en: &str, zh: &str| {
        let (colon, words) = (language.pick(": ", "："), language.pick(en, zh));
        output::say(format_args!("\n── {number} {verb}{colon}{words}"));
    };

    step(1, "generate", "the files a CRM would export", "CRM 通常导出的文件");
    files(&args, language)?;

    step(
        2,
        "ingest",
        "raw files to Parquet tables; rows that break a rule to quarantine",
        "将原始文件写入 Parquet 表；违反规则的行进入隔离区",
    );
    let mut bar = Bar::new(language);
    let exports = args.dir.join("exports");
    let summary = tenure.ingest(&[exports], &IngestOptions::now(), &mut bar).await;
    bar.finish();
    output::text(&ingest::render(&summary?, language))?;

    step(3, "check", "data that can not be right", "查找不合理的数据");
    let found = tenure.check().await?;
    let passed = found.iter().filter(|check| check.table.rows() == 0).count();
    let all = found.len();
    output::text(&language.pick(
        format!("{passed} of {all} checks passed\n"),
        format!("{all} 项检查中 {passed} 项通过\n"),
    ))?;
    for check in found.iter().filter(|check| check.table.rows() > 0) {
        let title = check.header.title.get(language);
        let findings = check.table.rows();
        let words = language.pick(
            format!("{title} ({findings} findings)"),
            format!("{title}（发现 {findings} 条）"),
        );
        output::text(&format!("  {:<26} {words}\n", check.name))?;
    }

    step(
        4,
        "report",
        "what the boss asks first; all reports: tenure report",
        "老板最先问的问题；查看全部报表：tenure report",
    );
    let overview = tenure.report("overview", &ReportRequest::default()).await?;
    let query = tenure.catalogue().get(Purpose::Report, "overview")?;
    output::bytes(&render(&overview, &query.header, Format::Table, language)?, None)?;

    step(
        5,
        "train",
        "a model of who leaves, tested on later months",
        "训练流失预测模型，并用之后的月份检验",
    );
    let spec = ChurnSpec::built_in("churn")?;
    let trained = train::train(&tenure, spec, None, Promotion::Earned).await?;
    output::text(&train::render(&trained, language))?;
    output::text(&beside_the_truth(&args.dir, &trained, language)?)?;

    step(
        6,
        "score",
        "every customer, with reasons and the value at risk",
        "为每位客户评分，给出原因与风险金额",
    );
    output::text(&score::render(&tenure.score(None).await?, language))?;
    riskiest(&tenure).await?;

    if args.no_serve {
        return Ok(());
    }
    step(
        7,
        "serve",
        "the dashboard, and the HTTP endpoint other CRMs pull from",
        "仪表盘，以及供其他 CRM 拉取数据的 HTTP 接口",
    );
    serve::run(serve::Args { listen: args.listen }, tenure).await
}

/// Generates the files, unless a demo of the same size left them here.
fn files(args: &Args, language: Language) -> Result<()> {
    let plan =
        Plan::new(args.plan.customers, args.plan.seed, args.plan.months, Plan::default().start())?;
    let dir = args.dir.display();
    match Oracle::plan_of(&args.dir)? {
        Some(there) if there == plan => output::text(
            &language.pick(format!("{dir} has them already\n"), format!("{dir} 中已有这些文件\n")),
        ),
        Some(_) => Err(Error::new(ErrorKind::Usage, format!("{dir} holds a demo of another size"))
            .hint("name another folder with --dir, or delete this one")),
        None => {
            let summary = generate(&args.plan, &args.dir, language)?;
            let rows = output::count(summary.files.values().map(|file| file.rows).sum());
            let customers = output::count(summary.customers);
            let (files, months) = (summary.files.len(), plan.months());
            output::text(&language.pick(
                format!("{rows} rows in {files} files, {customers} customers, {months} months\n"),
                format!("{files} 个文件共 {rows} 行，{customers} 位客户，{months} 个月\n"),
            ))
        }
    }
}

/// The model's quality beside that of the true probabilities, on the same
/// customers and months: nothing can do better than the second.
fn beside_the_truth(dir: &Path, trained: &TrainSummary, language: Language) -> Result<String> {
    let truth = Oracle::load(dir)?.metrics(&trained.test_cutoffs())?;
    let model = &trained.validation.metrics;
    let rows = output::count(truth.rows as u64);
    let churned = output::count(truth.churners as u64);
    let mut table = ruled();
    let right = |words: String| Cell::new(words).set_alignment(CellAlignment::Right);
    let headings = language.pick(["model", "truth"], ["模型", "真实概率"]);
    let headings = headings.map(|words| right(words.to_owned()));
    table.set_header([Cell::new("")].into_iter().chain(headings));
    for (name, ours, theirs) in [
        ("auc", model.auc, truth.auc),
        ("log_loss", model.log_loss, truth.log_loss),
        ("lift_decile", model.lift_decile, truth.lift_decile),
    ] {
        let numbers = [ours, theirs].map(|number| right(format!("{number:.4}")));
        table.add_row([Cell::new(name)].into_iter().chain(numbers));
    }
    let title = language.pick(
        format!("beside the generator's true probabilities ({rows} rows, {churned} churned)"),
        format!("与生成器的真实概率对比（{rows} 行，其中流失 {churned} 行）"),
    );
    Ok(format!("{title}\n{}\n", table.trim_fmt()))
}

/// The three customers most at risk, each with the first reason.
async fn riskiest(tenure: &Tenure) -> Result<()> {
    let engine = tenure.engine().await?;
    let request = crate::tenure::ScoreRequest { limit: 3, ..Default::default() };
    let colon = tenure.language().pick(": ", "：");
    for score in tenure.scores(&engine, &request, tenure.language()).await?.scores {
        let text = |name: &str| score.get(name).and_then(|value| value.as_str()).unwrap_or("");
        let first = score.get("reasons").and_then(|reasons| reasons.get(0)?.get("text")?.as_str());
        let probability = score.get("probability").and_then(|value| value.as_f64());
        output::text(&format!(
            "  {:>5.1} %  {} {}{colon}{}\n",
            100.0 * probability.unwrap_or(f64::NAN),
            text("customer_id"),
            text("name"),
            first.unwrap_or(""),
        ))?;
    }
    Ok(())
}
