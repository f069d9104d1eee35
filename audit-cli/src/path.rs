//! Path patterns, as `--path` takes them.

use std::str::FromStr;

/// An exact path, or a glob: `*` stands for anything within one segment, `**` for anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathPattern {
    text: String,
    /// Empty for an exact path.
    tokens: Vec<Token>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    One(char),
    /// Any run without `/`.
    Segment,
    /// Any run.
    Any,
}

impl FromStr for PathPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.starts_with(['/', '*']) {
            return Err("a path begins with `/` (or `*`), such as `/orders`, `/users/*` or \
                `/api/**`"
                .to_owned());
        }
        let mut tokens = Vec::new();
        if text.contains('*') && text != "*" {
            for c in text.chars() {
                match (c, tokens.last()) {
                    ('*', Some(Token::Any)) => {}
                    ('*', Some(Token::Segment)) => {
                        tokens.pop();
                        tokens.push(Token::Any);
                    }
                    ('*', _) => tokens.push(Token::Segment),
                    (c, _) => tokens.push(Token::One(c)),
                }
            }
        }
        Ok(Self { text: text.to_owned(), tokens })
    }
}

impl PathPattern {
    /// `/api/**` takes `/api` too. The time is at most the product of both lengths.
    pub(crate) fn matches(&self, path: &str) -> bool {
        if path == self.text {
            return true;
        }
        if self.tokens.is_empty() {
            return false;
        }
        // All places in the pattern that the path read so far can have reached.
        let mut reached = vec![false; self.tokens.len() + 1];
        reached[0] = true;
        self.skip(&mut reached);
        for c in path.chars() {
            let mut next = vec![false; reached.len()];
            for (place, token) in self.tokens.iter().enumerate().filter(|(i, _)| reached[*i]) {
                match token {
                    Token::One(one) if *one == c => next[place + 1] = true,
                    Token::Any => next[place] = true,
                    Token::Segment if c != '/' => next[place] = true,
                    Token::One(_) | Token::Segment => {}
                }
            }
            self.skip(&mut next);
            reached = next;
        }
        let end = reached.len() - 1;
        let before_slash =
            self.tokens.ends_with(&[Token::One('/'), Token::Any]) && reached[end - 2];
        reached[end] || before_slash
    }

    /// A star can stand for nothing.
    fn skip(&self, reached: &mut [bool]) {
        for (place, token) in self.tokens.iter().enumerate() {
            if reached[place] && !matches!(token, Token::One(_)) {
                reached[place + 1] = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        pattern.parse::<PathPattern>().unwrap().matches(path)
    }

    #[test]
    fn an_exact_path_is_only_itself() {
        assert!(matches("/orders", "/orders"));
        assert!(!matches("/orders", "/orders/"));
        assert!(!matches("/orders", "/orders/1"));
        assert!(!matches("/a.c", "/abc"));
    }

    #[test]
    fn one_star_stays_in_its_segment() {
        assert!(matches("/users/*", "/users/42"));
        assert!(matches("/users/*/items", "/users/42/items"));
        assert!(matches("/*.css", "/app.css"));
        assert!(!matches("/users/*", "/users/42/items"));
        assert!(!matches("/*.css", "/assets/app.css"));
    }

    #[test]
    fn two_stars_cross_segments() {
        assert!(matches("/api/**", "/api/v1/users"));
        assert!(matches("/api/**", "/api"));
        assert!(matches("**", "anything"));
        assert!(matches("**/items", "/a/b/items"));
        assert!(matches("/a/**/z/*", "/a/b/z/c/z/y"));
        assert!(!matches("/api/**", "/apiary"));
        assert!(!matches("/a/**/z/*", "/a/b/c"));
    }

    #[test]
    fn a_star_alone_is_the_path_of_options_and_everything_has_a_way_in() {
        assert!(matches("*", "*"));
        assert!(!matches("*", "/"));
        assert!("orders".parse::<PathPattern>().unwrap_err().contains("begins with `/`"));
        assert!("".parse::<PathPattern>().is_err());
    }

    #[test]
    fn a_nasty_pattern_takes_no_time() {
        let pattern = format!("/{}b", "*a".repeat(200));
        assert!(!matches(&pattern, &format!("/{}", "a".repeat(2048))));
    }
}
