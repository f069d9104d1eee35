//! The control records that announce the record of a strict request.

use uuid::Uuid;

use super::{
    draft::Draft,
    request::{Clock, Keep, LARGEST, Masker, control_at, trace},
};
use crate::{
    Group, Level, Record, Timestamp,
    exchange::{flags::Flag, frame::Fixed},
    pipeline::Announced,
    record::json as token,
};

/// Makes the control record of what is announced.
pub(crate) fn announce(masker: &mut Masker, record: &mut Record, what: &Announced, clock: Clock) {
    record.clear();
    match what {
        Announced::Intent { record: id, fixed, arena, mask } => {
            masker.intent(record, *id, (fixed, arena), *mask, clock);
        }
        Announced::Head { record: id, status } => {
            control_at(record, Level::Info, "head", Timestamp::now(), |out| {
                token::text_member(out, "record", &id.to_string());
                token::number_member(out, "status", (*status).into());
            });
        }
    }
}

impl Masker {
    /// A request that is about to run: who asks and what for, masked by what masks whatever a rule
    /// may mask that can still decide. If it never ends, its record is made of this.
    fn intent(
        &mut self,
        record: &mut Record,
        id: Uuid,
        (fixed, arena): (&Fixed, &[u8]),
        mask: usize,
        clock: Clock,
    ) {
        self.policies.turn_to_mask(fixed.generation, mask);
        for keep in [Keep::All, Keep::NoHeaders] {
            record.clear();
            self.list.clear();
            let mut of = Draft { fixed, arena, flags: fixed.flags };
            self.of_tenant(&of);
            if keep > Keep::All {
                of.flags.set(Flag::RecordTruncated);
            }
            record.group(Group::Actor, |out| self.actor(out, &mut of));
            record.group(Group::Request, |out| self.request_group(out, &mut of, keep));
            self.settle(record, &mut of);
            let time = clock.at(fixed.start);
            let core = control_at(record, Level::Info, "intent", time, |out| {
                token::text_member(out, "record", &id.to_string());
            });
            self.placed(core, &of);
            trace(core, &of);
            self.made(core, &of);
            if record.json_len() <= LARGEST {
                return;
            }
        }
    }
}
