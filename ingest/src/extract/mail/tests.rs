use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::{ExtractLimits, Kind, extract_bytes};

const MESSAGE: &str = "From: =?UTF-8?Q?J=C3=BCrgen_M=C3=BCller?= <jm@example.com>\r\n\
    To: Anna <anna@example.com>, bob@example.com\r\n\
    Date: Fri, 1 Mar 2024 12:13:00 +0100\r\n\
    Subject: =?iso-8859-1?Q?Miete_f=FCr_M=E4rz?=\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=outer\r\n\
    \r\n\
    --outer\r\n\
    Content-Type: multipart/alternative; boundary=inner\r\n\
    \r\n\
    --inner\r\n\
    Content-Type: text/plain; charset=iso-8859-1\r\n\
    Content-Transfer-Encoding: quoted-printable\r\n\
    \r\n\
    Die Miete ist f=E4llig.\r\n\
    --inner\r\n\
    Content-Type: text/html; charset=utf-8\r\n\
    \r\n\
    <p>Die Miete ist <b>hier</b>.</p>\r\n\
    --inner--\r\n\
    --outer\r\n\
    Content-Type: text/plain; name=\"plan.txt\"\r\n\
    Content-Disposition: attachment; filename=\"../plan.txt\"\r\n\
    Content-Transfer-Encoding: base64\r\n\
    \r\n\
    RGVyIFBsYW4=\r\n\
    --outer--\r\n";

#[test]
fn a_message_is_its_headers_and_its_plain_words() {
    let Outcome::Document(document) =
        extract_bytes(Path::new("a.eml"), MESSAGE.into(), &ExtractLimits::default())
    else {
        panic!("no document")
    };
    assert_eq!(document.kind, Kind::Mail);
    assert_eq!(document.title, "Miete für März");
    assert_eq!(document.author.as_deref(), Some("Jürgen Müller"));
    assert_eq!(document.dated.as_deref(), Some("2024-03-01"));
    assert_eq!(
        document.text,
        "From: Jürgen Müller <jm@example.com>\nTo: Anna <anna@example.com>, bob@example.com\n\
         Date: 2024-03-01 12:13\nSubject: Miete für März\n\nDie Miete ist fällig.\n"
    );
}

#[test]
fn attachments_keep_their_bytes_and_lose_their_folders() {
    let extracted = extract(MESSAGE.as_bytes()).unwrap();
    assert_eq!(extracted.attachments.len(), 1);
    assert_eq!(extracted.attachments[0].name, ".._plan.txt");
    assert!(extracted.attachments[0].bytes.ends_with(b"Der Plan"));
}

#[test]
fn html_alone_is_read_as_html_whatever_it_says_of_its_encoding() {
    let message = "From: a@example.com\nSubject: x\nContent-Type: text/html; charset=utf-8\n\n\
                   <meta charset=iso-8859-1><p>Grüße</p><script>no()</script>";
    let extracted = extract(message.as_bytes()).unwrap();
    assert!(extracted.text.ends_with("Grüße\n"), "{}", extracted.text);
}

#[test]
fn messages_are_told_from_text_with_colons() {
    assert!(is_message(b"Return-Path: <a@example.com>\nFrom: a\nDate: now\nSubject: x\n\nText"));
    assert!(is_message(b"From: a\nTo: b\nReceived: from x\n by y\nSubject: x\n\nText"));
    assert!(!is_message(b"From: Berlin\nTo: Paris\n\nA journey"));
    assert!(!is_message(b"name: x\nfrom: y\nto: z\ndate: today\nand text at once\n"));
    assert!(!is_message(b"Some words\n"));
}

#[test]
fn names_are_day_and_subject() {
    assert_eq!(file_name(MESSAGE.as_bytes()), "2024-03-01 Miete für März");
    assert_eq!(file_name(b"Subject: a/b\n\n"), "a_b");
    assert_eq!(file_name(b""), "no subject");
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = extract(&bytes);
        let mut damaged = MESSAGE.as_bytes().to_vec();
        for (at, byte) in bytes.iter().enumerate() {
            let index = (at * 7919 + usize::from(*byte) * 31) % damaged.len();
            damaged[index] = *byte;
        }
        let _ = extract(&damaged);
        file_name(&damaged);
    }
}
