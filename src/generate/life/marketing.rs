//! Whom does a campaign reach, and who answers?
//!
//! Campaigns go to customers who consent and were active in the last half year;
//! who has churned is not known to the sender. An answer belongs to a session,
//! as everything a customer does. It completes the row of the sending, whose
//! `kind` stays what it was, and adds a row of its own for what was done.

use super::Life;
use crate::generate::records::{Instant, TouchRow};

/// Customers silent for this long get no more campaigns.
const SUPPRESS_DAYS: usize = 180;
/// An answer comes within these days or not at all.
const ANSWER_DAYS: usize = 6;
/// Seconds into the day at which campaigns go out, before any session.
const SENDING: i64 = 5 * 3600;
/// Chance that who opened an e-mail or message also clicks.
const CLICK: f64 = 0.4;

/// A touch that waits for an answer.
pub(super) struct Pending {
    /// Which row it is.
    index: usize,
    until: usize,
}

/// Per channel: the kind of the sending, of the answer, and its chance at the
/// first session after it.
fn ways(channel: &str) -> (&'static str, &'static str, f64) {
    match channel {
        "phone" => ("call", "responded", 0.50),
        "webinar" => ("invited", "responded", 0.20),
        "wechat" => ("sent", "opened", 0.50),
        _ => ("sent", "opened", 0.35),
    }
}

impl Life<'_> {
    /// Receives what goes out today.
    pub(super) fn receive_campaigns(&mut self) {
        let world = self.world;
        let today = self.day;
        for campaign in world.campaigns.iter().filter(|campaign| campaign.day == today) {
            let heard = self.history.n_rows(today.saturating_sub(SUPPRESS_DAYS), today);
            let wanted = self.persona.row.consent == "yes" && heard > 0;
            if wanted && self.draw.chance(campaign.share) {
                let (kind, _, _) = ways(campaign.row.channel);
                let second = SENDING + self.draw.between(0, 1800);
                let at = Instant(world.calendar.instant(today, second));
                let index = self.records.touches.len();
                self.touch(&campaign.row.campaign_id, campaign.row.channel, kind, at);
                self.pending_touch = Some(Pending { index, until: today + ANSWER_DAYS });
            }
        }
    }

    /// In a session, the customer may answer the last touch.
    pub(super) fn answer_campaign(&mut self) {
        let Some(pending) = self.pending_touch.take() else {
            return;
        };
        let sent = self.records.touches[pending.index].clone();
        let (_, answer, chance) = ways(sent.channel);
        if self.day > pending.until || !self.draw.chance(chance) {
            return;
        }
        self.records.touches[pending.index].responded_at = Some(self.now);
        self.touch(&sent.campaign_id, sent.channel, answer, self.now);
        if answer == "opened" && self.draw.chance(CLICK) {
            self.touch(&sent.campaign_id, sent.channel, "clicked", self.now);
        }
        self.event_about("campaign_response", &sent.touch_id);
    }

    fn touch(&mut self, campaign_id: &str, channel: &'static str, kind: &'static str, at: Instant) {
        self.records.touches.push(TouchRow {
            touch_id: self.id("X", self.records.touches.len() + 1),
            campaign_id: campaign_id.to_owned(),
            customer_id: self.persona.row.customer_id.clone(),
            channel,
            kind,
            occurred_at: at,
            responded_at: None,
        });
    }
}
