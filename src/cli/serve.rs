//! `tenure serve`: the dashboard, and the HTTP endpoint other CRMs pull from.

use super::output;
use crate::error::Result;
use crate::serve::{self, Ended};
use crate::tenure::Tenure;

/// Serve reports, scores and the dashboard over HTTP
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Address and port [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(super) listen: Option<String>,
}

pub(super) async fn run(args: Args, tenure: Tenure) -> Result<()> {
    let listen = args.listen.unwrap_or_else(|| tenure.config().serve.listen.clone());
    let grace = tenure.config().serve.shutdown_seconds;
    let language = tenure.language();
    let stop = async move {
        asked_to_stop().await;
        output::say(language.pick(
            format_args!("stopping; requests under way get {grace} s to end"),
            format_args!("正在停止；进行中的请求最多再等 {grace} 秒"),
        ));
    };
    let ready = |address| {
        output::say(language.pick(
            format_args!("the dashboard is at http://{address}/; Ctrl-C stops it"),
            format_args!("仪表盘地址：http://{address}/ （按 Ctrl-C 停止）"),
        ));
    };
    match serve::run(tenure, &listen, ready, stop).await? {
        Ended::Drained => {}
        Ended::CutOff => output::say(language.pick("some requests were cut off", "部分请求被中断")),
    }
    Ok(())
}

/// Waits for Ctrl-C, or for what a service manager sends.
async fn asked_to_stop() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    // Without a handler nothing would ever stop the service gently; the
    // system's own handling of the signal remains.
    if interrupted.await.is_err() {
        std::future::pending::<()>().await;
    }
}
