//! The table on the screen: gutter, frozen columns, small spectra, the other columns; placeholders for what is on its way.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Paragraph, Wrap};

use super::table::{GAP, Slot, What};
use super::{Catalog, Cover, statistics};
use crate::tui::app::Shell;
use crate::tui::chart;
use crate::tui::draw::framed;
use crate::tui::labels::Labels;
use crate::tui::text::{self, thousands};
use crate::tui::theme::{Role, Theme};

/// Lines above the first row within the border.
pub const HEADER: u16 = 1;
/// Cells of the mark before a row.
const MARK: u16 = 1;
/// And of its label, where there are labels.
const LABEL: u16 = 4;

impl Catalog {
    /// Cells before the first column.
    pub(super) fn gutter(shell: &Shell) -> u16 {
        match shell.labels.all().is_empty() {
            true => MARK,
            false => MARK + LABEL,
        }
    }

    pub(super) fn draw_table(&self, frame: &mut Frame, area: Rect, shell: &Shell) {
        let theme = &shell.theme;
        let title = self.title();
        let mut block = framed(theme, &title);
        if let Some(rows) = self.rows.as_ref().filter(|rows| !rows.is_empty()) {
            let place = format!(" {} / {} ", thousands(self.cursor + 1), thousands(rows.len()));
            block = block.title_bottom(Line::styled(place, theme.style(Role::Dim)).right_aligned());
        }
        let inside = block.inner(area);
        frame.render_widget(block, area);
        if let Some(words) = self.instead() {
            let words = Paragraph::new(words)
                .style(theme.style(Role::Dim))
                .wrap(Wrap { trim: true });
            frame.render_widget(words, inside);
            return;
        }
        let gutter = Self::gutter(shell);
        let slots = self.table.slots(inside.width.saturating_sub(gutter));
        let mut lines = vec![self.header(&slots, gutter, theme)];
        let end = self.top + u64::from(inside.height.saturating_sub(HEADER));
        for place in self.top..end {
            match self.rows.as_ref().and_then(|rows| rows.get(place)) {
                Some(row) => lines.push(self.line(place, row, &slots, gutter, shell, inside.width)),
                None => break,
            }
        }
        frame.render_widget(Text::from(lines), inside);
        self.draw_thumb(frame, area, theme);
    }

    fn title(&self) -> String {
        let left = match self.table.left {
            0 => String::new(),
            n => format!(", {n} columns to the left"),
        };
        match (&self.running, self.exporting) {
            (Some(what), _) if self.share > 0 => format!("{what} {}%, Esc stops", self.share),
            (Some(what), _) => format!("{what}, Esc stops"),
            (None, Some((done, total))) => {
                let share = 100 * done / total.max(1);
                format!("exporting {share}%, Esc stops")
            }
            (None, None) => match self.query.order_by.as_deref() {
                Some(order) => text::clean(&format!("catalog by {order}{left}")).into_owned(),
                None => format!("catalog{left}"),
            },
        }
    }

    /// Words in the place of the table, where there is none.
    fn instead(&self) -> Option<&'static str> {
        match &self.rows {
            _ if self.failed => Some("The catalog could not be opened. ! shows why; q leaves."),
            None => Some("Opening the catalog …"),
            Some(rows) if rows.is_empty() && self.query.filter.is_some() => {
                Some("No row passes the filter. F takes it away, f changes it.")
            }
            Some(rows) if rows.is_empty() => Some("The catalog has no rows."),
            Some(_) => None,
        }
    }

    fn header(&self, slots: &[Slot], gutter: u16, theme: &Theme) -> Line<'static> {
        let sorted = self.sorted();
        let sign = |descending: bool| match (theme.ascii, descending) {
            (true, true) => "v",
            (true, false) => "^",
            (false, true) => "▼",
            (false, false) => "▲",
        };
        let mut text = " ".repeat(usize::from(gutter));
        for slot in slots {
            let width = usize::from(slot.width);
            let cell = match slot.what {
                What::Spark => text::pad("spectrum", width),
                What::Column(at) => {
                    let info = &self.table.columns[at].info;
                    let mut name = text::clean(&info.name).into_owned();
                    if let Some((_, descending)) = sorted.filter(|(sorted, _)| *sorted == info.name) {
                        name = format!(
                            "{}{}",
                            text::fit(&name, width.saturating_sub(1)),
                            sign(descending)
                        );
                    }
                    match info.kind.right_aligned() {
                        true => text::pad_left(&name, width),
                        false => text::pad(&name, width),
                    }
                }
            };
            text += &cell;
            text += &" ".repeat(usize::from(GAP));
        }
        Line::styled(text, theme.style(Role::Axis).add_modifier(Modifier::UNDERLINED))
    }

    fn line(
        &self,
        place: u64,
        row: u64,
        slots: &[Slot],
        gutter: u16,
        shell: &Shell,
        width: u16,
    ) -> Line<'static> {
        let theme = &shell.theme;
        let id = self.id_at(place);
        let marked = id.is_some_and(|id| shell.marks.contains(id));
        let here = place == self.cursor;
        let style = match (here, marked) {
            (true, false) => theme.style(Role::Selected),
            (true, true) => theme.style(Role::Selected).add_modifier(Modifier::UNDERLINED),
            (false, true) => theme.style(Role::Marked),
            (false, false) => theme.style(Role::Text),
        };
        // Under the cursor all is in one color, or the bar would have holes.
        let own = |role: Role| if here { style } else { theme.style(role) };
        let mut spans = vec![Span::styled(if marked { "*" } else { " " }, style)];
        if gutter > MARK {
            let label = id
                .and_then(|id| shell.labels.get(id))
                .map(Labels::short)
                .unwrap_or_default();
            spans.push(Span::styled(
                text::pad(&text::clean(&label), usize::from(LABEL)),
                own(Role::Label),
            ));
        }
        let waiting = self.pages.row(place).is_none();
        let mut used = usize::from(gutter);
        for (n, slot) in slots.iter().enumerate() {
            let cells = usize::from(slot.width);
            let (text, style) = match slot.what {
                What::Spark => self.spark_cell(row, cells, own(Role::Data), own(Role::Dim), theme),
                What::Column(at) => {
                    let column = &self.table.columns[at].info;
                    match self.pages.cell(place, &column.name) {
                        Some(cell) => {
                            let text = text::clean(&cell.text);
                            let text = match column.kind.right_aligned() {
                                true => text::pad_left(&text, cells),
                                false => text::pad(&text, cells),
                            };
                            (text, style)
                        }
                        // The row's number is known before anything is read.
                        None if waiting && n == 0 => (text::pad(&format!("{row} …"), cells), own(Role::Dim)),
                        None => (" ".repeat(cells), style),
                    }
                }
            };
            used += cells + usize::from(GAP);
            spans.push(Span::styled(text, style));
            spans.push(Span::styled(
                " ".repeat(usize::from(GAP)),
                self.gap_style(here, style),
            ));
        }
        let rest = usize::from(width).saturating_sub(used);
        spans.push(Span::styled(" ".repeat(rest), self.gap_style(here, style)));
        Line::from(spans)
    }

    fn gap_style(&self, here: bool, style: Style) -> Style {
        match here {
            true => style,
            false => Style::default(),
        }
    }

    fn spark_cell(&self, row: u64, width: usize, data: Style, dim: Style, theme: &Theme) -> (String, Style) {
        match self.pages.spark(row) {
            Some(Some(values)) => (chart::spark_within(values, (0.0, 1.0), width, theme), data),
            Some(None) => (text::pad("unusable", width), dim),
            None => (" ".repeat(width), dim),
        }
    }

    /// Where in the list this is, on the right border.
    fn draw_thumb(&self, frame: &mut Frame, area: Rect, theme: &Theme) {
        let (Some(rows), height) = (&self.rows, u64::from(area.height.saturating_sub(2))) else {
            return;
        };
        if rows.len() <= u64::from(self.height) || height == 0 || area.width == 0 {
            return;
        }
        let y = (u128::from(self.cursor) * u128::from(height - 1) / u128::from(rows.len() - 1)) as u16;
        let sign = if theme.ascii { "#" } else { "┃" };
        let at = (area.right() - 1, area.y + 1 + y);
        if let Some(cell) = frame.buffer_mut().cell_mut(at) {
            cell.set_symbol(sign).set_style(theme.style(Role::Focus));
        }
    }

    pub(super) fn draw_cover(&self, frame: &mut Frame, area: Rect, shell: &Shell) {
        match &self.cover {
            None => (),
            Some(Cover::Columns(chooser)) => {
                chooser.draw(&self.table, self.sorted(), frame, area, &shell.theme)
            }
            Some(Cover::Statistics(found)) => statistics::draw(found, frame, area, &shell.theme),
        }
    }
}
