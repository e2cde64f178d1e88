//! Codes that a site explains itself: what they mean in the plan, and what mistakes in them are told.

use super::{FULL, MINIMAL, plan, refused};

fn file(codes: &str) -> String {
    format!("{MINIMAL}\ndiagnosis:\n  codes:\n{codes}")
}

#[test]
fn codes_are_read_and_written_alike() {
    let text = file(
        "    - { code: a_b, status: 403, means: ' closed at night ', place: application, desk: application, do: wait }\n    - { code: a_b, status: 401, means: x }\n",
    );
    let read = plan(&text);
    let [first, second] = read.diagnosis.codes.as_slice() else { panic!("{:?}", read.diagnosis) };
    assert_eq!((first.code.as_str(), first.status, &*first.means), ("a_b", Some(403), "closed at night"));
    assert_eq!((first.place, first.desk, &*first.cure), ("application", "application", "wait"));
    assert_eq!((second.place, second.desk, &*second.cure), ("plugin", "wordpress", ""));
    assert!(first.is("a_b", 403) && !first.is("a_b", 404) && !first.is("a", 403));
    assert_eq!(plan(&read.to_yaml().unwrap()).diagnosis, read.diagnosis);
    assert!(plan(MINIMAL).diagnosis.codes.is_empty());
    assert_eq!(plan(FULL).diagnosis.codes.len(), 1);
}

#[test]
fn a_mistake_in_a_code_is_told_with_its_path() {
    let table = [
        ("{ means: x }", "diagnosis.codes[0].code: is missing; write the value of `code` in the error"),
        ("{ code: a_b }", "diagnosis.codes[0].means: is missing; write in one line"),
        (
            "{ code: a.b, means: x }",
            "diagnosis.codes[0].code: \"a.b\" is no error code; write the value of `code`",
        ),
        ("{ code: jwt_auth_bad_iss, means: x }", "is a code that the doctor knows; leave it out"),
        (
            "{ code: a_b, status: 200, means: x }",
            "diagnosis.codes[0].status: \"200\" is no status of an error; write one from 400",
        ),
        ("{ code: a_b, means: '' }", "diagnosis.codes[0].means: \"\" is no line of text"),
        (
            "{ code: a_b, means: x, place: plugn }",
            "diagnosis.codes[0].place: \"plugn\" is not a place; did you mean plugin?",
        ),
        ("{ code: a_b, means: x, desk: nobody }", "diagnosis.codes[0].desk: \"nobody\" is not a desk; "),
        ("{ code: a_b, means: x, cure: y }", "diagnosis.codes[0].cure: unknown key; "),
        (
            "{ code: a_b, means: x }\n    - { code: a_b, status: 403, means: y }",
            "diagnosis.codes[1].code: \"a_b\" stands here twice; keep one",
        ),
    ];
    for (code, told) in table {
        let message = refused(&file(&format!("    - {code}\n")));
        assert!(message.contains(told), "{code}: {message}");
    }
}
