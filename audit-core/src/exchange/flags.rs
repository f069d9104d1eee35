//! Limits and refusals that bit, told in a record as fixed words.

/// A set of [`Flag`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(pub(crate) u32);

/// One limit or refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Flag {
    PathTruncated = 1,
    QueryTruncated = 1 << 1,
    HeaderTruncated = 1 << 2,
    HeadersTruncated = 1 << 3,
    UserAgentTruncated = 1 << 4,
    MetadataTruncated = 1 << 5,
    MetadataInvalid = 1 << 6,
    ActorTruncated = 1 << 7,
    TenantInvalid = 1 << 8,
    ModuleInvalid = 1 << 9,
    ActionInvalid = 1 << 10,
    MaskedTruncated = 1 << 11,
    RecordTruncated = 1 << 12,
    BytesEscaped = 1 << 13,
    ErrorTruncated = 1 << 14,
    EventTruncated = 1 << 15,
    AmountInvalid = 1 << 16,
    ChangeTruncated = 1 << 17,
    ChangeInvalid = 1 << 18,
    HookFailed = 1 << 19,
    IntentUnrecorded = 1 << 20,
    HeadUnrecorded = 1 << 21,
    KeptByStrict = 1 << 22,
}

const WORDS: [(Flag, &str); 23] = [
    (Flag::PathTruncated, "path_truncated"),
    (Flag::QueryTruncated, "query_truncated"),
    (Flag::HeaderTruncated, "header_truncated"),
    (Flag::HeadersTruncated, "headers_truncated"),
    (Flag::UserAgentTruncated, "user_agent_truncated"),
    (Flag::MetadataTruncated, "metadata_truncated"),
    (Flag::MetadataInvalid, "metadata_invalid"),
    (Flag::ActorTruncated, "actor_truncated"),
    (Flag::TenantInvalid, "tenant_invalid"),
    (Flag::ModuleInvalid, "module_invalid"),
    (Flag::ActionInvalid, "action_invalid"),
    (Flag::MaskedTruncated, "masked_truncated"),
    (Flag::RecordTruncated, "record_truncated"),
    (Flag::BytesEscaped, "bytes_escaped"),
    (Flag::ErrorTruncated, "error_truncated"),
    (Flag::EventTruncated, "event_truncated"),
    (Flag::AmountInvalid, "amount_invalid"),
    (Flag::ChangeTruncated, "change_truncated"),
    (Flag::ChangeInvalid, "change_invalid"),
    (Flag::HookFailed, "hook_failed"),
    (Flag::IntentUnrecorded, "intent_unrecorded"),
    (Flag::HeadUnrecorded, "head_unrecorded"),
    (Flag::KeptByStrict, "kept_by_strict"),
];

impl Flags {
    pub(crate) fn set(&mut self, flag: Flag) {
        self.0 |= flag as u32;
    }

    pub(crate) fn has(self, flag: Flag) -> bool {
        self.0 & flag as u32 != 0
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub(crate) fn words(self) -> impl Iterator<Item = &'static str> {
        WORDS.iter().filter(move |(f, _)| self.has(*f)).map(|(_, word)| *word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_has_its_own_word() {
        let mut all = Flags::default();
        WORDS.iter().for_each(|(flag, _)| all.set(*flag));
        assert_eq!(all.0.count_ones() as usize, WORDS.len());
        assert_eq!(all.words().count(), WORDS.len());
    }
}
