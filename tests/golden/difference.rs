//! What differs between two transcripts, in words: the first frame, and the first leaf in it.

/// A frame: its title, and the lines of its leaves.
#[derive(PartialEq)]
struct Frame<'a> {
    title: &'a str,
    leaves: Vec<&'a str>,
}

fn frames(text: &str) -> (Vec<&str>, Vec<Frame<'_>>) {
    let (mut head, mut frames) = (Vec::new(), Vec::<Frame<'_>>::new());
    for line in text.lines() {
        match frames.last_mut() {
            _ if line.starts_with("->") || line.starts_with("<-") => {
                frames.push(Frame { title: line, leaves: Vec::new() })
            }
            Some(frame) => frame.leaves.push(line),
            None => head.push(line),
        }
    }
    (head, frames)
}

/// What was in `old` and is otherwise in `new`; `None` if nothing is.
pub fn difference(old: &str, new: &str) -> Option<String> {
    if old == new {
        return None;
    }
    let ((old_head, old), (new_head, new)) = (frames(old), frames(new));
    if old_head != new_head {
        let (was, is) = first(&old_head, &new_head);
        return Some(format!("  before the first frame\n{}", was_and_is(was, is)));
    }
    let at = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let changed = old.iter().zip(&new).filter(|(old, new)| old != new).count() + old.len().abs_diff(new.len());
    let told = match (old.get(at), new.get(at)) {
        (Some(old), Some(new)) if old.title == new.title => {
            let (was, is) = first(&old.leaves, &new.leaves);
            format!("  frame {}, {}\n{}", at + 1, title(old.title), was_and_is(was, is))
        }
        (Some(old), Some(new)) => format!("  frame {}\n{}", at + 1, was_and_is(title(old.title), title(new.title))),
        (Some(gone), None) => format!("  frame {} is gone: {}\n", at + 1, title(gone.title)),
        (None, Some(added)) => format!("  frame {} is new: {}\n", at + 1, title(added.title)),
        (None, None) => "  only the ends of lines\n".into(),
    };
    let others = match changed.saturating_sub(1) {
        0 => String::new(),
        1 => "  One frame after it differs too.\n".into(),
        others => format!("  {others} frames after it differ too.\n"),
    };
    Some(told + &others)
}

/// The first lines that differ.
fn first<'a>(old: &[&'a str], new: &[&'a str]) -> (&'a str, &'a str) {
    let at = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let line = |lines: &[&'a str]| lines.get(at).copied().unwrap_or("(nothing)");
    (line(old), line(new))
}

fn was_and_is(was: &str, is: &str) -> String {
    format!("    was {}\n    is  {}\n", was.trim(), is.trim())
}

/// A title without the spaces that put it into columns.
fn title(line: &str) -> &str {
    line.trim_end()
}

/// Whether differences are told as a reader needs them.
pub fn check() -> Result<(), String> {
    let old = "head\n-> A\n    00  one\n    01  two\n<- B\n    02\n";
    for (new, told) in [
        (old.to_owned(), ""),
        (old.replace("01  two", "03  two"), "  frame 1, -> A\n    was 01  two\n    is  03  two\n"),
        (old.replace("<- B", "<- C"), "  frame 2\n    was <- B\n    is  <- C\n"),
        (old.replace("head", "late"), "  before the first frame\n    was head\n    is  late\n"),
        (
            old.replace("-> A", "-> C").replace("02", "03"),
            "  frame 1\n    was -> A\n    is  -> C\n  One frame after it differs too.\n",
        ),
        (format!("{old}-> C\n"), "  frame 3 is new: -> C\n"),
        (old.replace("<- B\n    02\n", ""), "  frame 2 is gone: <- B\n"),
    ] {
        let found = difference(old, &new).unwrap_or_default();
        if found != told {
            return Err(format!("expected\n{told}found\n{found}of\n{new}"));
        }
    }
    Ok(())
}
