//! What settings come to, without an auditor that uses them.

use super::{BadSetting, Code, Settings, compile};
use crate::{BodyMasker, Explanation, Question};

impl Settings {
    /// What these settings make of a request, and why: as [`Auditor::explain`] tells it of those
    /// in force.
    ///
    /// # Errors
    ///
    /// The first setting that cannot be.
    ///
    /// [`Auditor::explain`]: crate::Auditor::explain
    pub fn explain(&self, question: &Question) -> Result<Explanation, BadSetting> {
        Ok(compile(self, &Code::default())?.explain(question))
    }

    /// Masks bodies as these settings do, where this rule decides; `None`: where none does. Bodies
    /// that are not captured are omitted. Beside it, how much of a body is kept, in bytes.
    ///
    /// # Errors
    ///
    /// The first setting that cannot be, or a rule that there is not.
    pub fn body_masker(&self, rule: Option<&str>) -> Result<(BodyMasker, usize), BadSetting> {
        let mut config = compile(self, &Code::default())?;
        let Some(rule) = config.rules.named(rule) else {
            let why = format!("there is no rule `{}`", rule.unwrap_or_default());
            return Err(BadSetting::new("rule", why));
        };
        let masker = BodyMasker::new(config.masks.swap_remove(rule.says.mask));
        Ok((masker.only(config.bodies), rule.says.limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OmitReason, Rule};

    #[test]
    fn bodies_are_masked_as_a_rule_says() {
        let mut settings = Settings::default();
        settings.bodies.limit = 100;
        settings.rules.push(Rule::new("pay").mask(["iban"]).body_limit(50));
        settings.rules.push(Rule::new("rest"));
        let shown = |rule, content_type: &str| {
            let (mut masker, limit) = settings.body_masker(rule).unwrap();
            let masked = masker.body(content_type, br#"{"iban":1,"pin":2}"#, limit);
            (masked.body.unwrap_or_default(), masked.reason, limit)
        };
        let json = "application/json";
        let without = (r#"{"iban":1,"pin":"[redacted]"}"#.to_owned(), None, 100);
        assert_eq!(shown(None, json), without);
        assert_eq!(shown(Some("rest"), json), without);
        let masked = r#"{"iban":"[redacted]","pin":"[redacted]"}"#.to_owned();
        assert_eq!(shown(Some("pay"), json), (masked, None, 50));
        assert_eq!(shown(None, "text/plain").1, Some(OmitReason::ContentType));
        let error = settings.body_masker(Some("x")).unwrap_err().to_string();
        assert_eq!(error, "rule: there is no rule `x`");
    }

    #[test]
    fn settings_explain_what_an_auditor_with_them_does() {
        let mut settings = Settings::default();
        settings.rules.push(Rule::new("failed").status(["5xx"]));
        let question = Question::new("GET", "/").status(503);
        assert_eq!(settings.explain(&question).unwrap().rule, "failed");
        settings.rules.push(Rule::new("failed"));
        assert_eq!(settings.explain(&question).unwrap_err().key(), "rule[2].name");
    }
}
