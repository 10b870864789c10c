//! What a service says when it refuses: a problem document (RFC 9457), read with forbearance, for a proxy on the way
//! may answer in its place.
use serde::Deserialize;
use serde_json::Value;
use ureq::http::StatusCode;

/// Why the service refuses.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// What kind of problem, in words.
    pub title: String,
    /// This problem in words.
    pub detail: String,
    /// The kind as a word for programs; empty where no service of ours has answered.
    pub code: String,
    /// What is wrong with a document.
    pub faults: Vec<ProblemFault>,
    /// Faults that are not listed.
    pub more_faults: Option<usize>,
    /// What the change would do, where it was judged.
    pub admission: Option<Value>,
    /// What enabling HA needs, where that is the problem.
    pub preconditions: Option<Value>,
}

/// One thing that is wrong with a document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ProblemFault {
    /// JSON pointer into the document.
    pub pointer: String,
    /// What is wrong, in words.
    pub message: String,
}

impl Problem {
    /// The problem that an answer with this status tells of.
    pub fn read(status: u16, body: &[u8]) -> Self {
        let mut problem: Self = serde_json::from_slice(body).unwrap_or_default();
        problem.status = status;
        if problem.title.is_empty() {
            let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
            reason.unwrap_or("no reason given").clone_into(&mut problem.title);
        }
        problem
    }

    /// Everything that is against enabling HA, in words.
    pub fn findings(&self) -> impl Iterator<Item = String> + '_ {
        let refusals = self.preconditions.as_ref().and_then(|found| found.get("refusals")?.as_array());
        refusals.into_iter().flatten().map(|one| {
            let text = |field| one.get(field).and_then(Value::as_str);
            let place = text("host").map_or_else(String::new, |host| format!("{host}: "));
            format!("{place}{}", text("text").unwrap_or_default())
        })
    }

    /// The problem in one sentence, what is particular before what is general.
    pub fn sentence(&self) -> &str {
        if self.detail.is_empty() { &self.title } else { &self.detail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_document_is_read_with_its_faults() {
        let body = br#"{"type":"urn:x","title":"Wrong","status":422,"detail":"cannot be used","code":"faulty-document",
            "faults":[{"pointer":"/hosts/0","code":"missing","message":"memory_mib is missing"}],"later":1}"#;
        let problem = Problem::read(422, body);
        assert_eq!((problem.code.as_str(), problem.sentence()), ("faulty-document", "cannot be used"));
        assert_eq!(problem.faults[0].pointer, "/hosts/0");
    }

    #[test]
    fn an_answer_of_somebody_else_is_told_by_its_status() {
        let problem = Problem::read(502, b"<html>nginx</html>");
        assert_eq!((problem.code.as_str(), problem.sentence()), ("", "Bad Gateway"));
        assert_eq!(Problem::read(599, b"[]").sentence(), "no reason given");
    }
}
