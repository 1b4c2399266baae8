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
