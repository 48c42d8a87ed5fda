//! Messages that were published for this service and will not come: the server lost them, and their publisher keeps them
//! no more.

use super::Attempt;
use crate::store::SeriesRange;
use crate::wire::dead_letter::lost_notice;

impl Attempt<'_> {
    /// Records numbers as lost, each range with a dead letter.
    pub(super) fn report_lost(&mut self, lost: &[SeriesRange]) {
        for missing in lost {
            let (series, range) = (&missing.series, missing.range);
            let (count, publisher) = (range.last + 1 - range.first, &series.publisher);
            let detail = format!(
                "{count} messages that {publisher} published are lost: numbers {} to {} of its outbox {}",
                range.first, range.last, series.outbox
            );
            tracing::error!(kind = &*series.kind, detail, "messages are lost");
            let (service, now) = (self.choreography.service, self.envelopes.now);
            self.outgoing.push(lost_notice(service, &series.kind, publisher, detail, now));
            self.receipts.report(missing);
        }
    }
}
