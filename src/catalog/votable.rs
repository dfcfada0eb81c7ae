//! The VOTable header of a catalog: units and UCDs for TOPCAT, STILTS and all that read VOParquet.
//!
//! Source: IVOA Note "VOParquet" 1.0 (2025); VOTable 1.4.

use std::fmt::Write;

use arrow::datatypes::{DataType, Schema};

/// VOTable XML without data: one FIELD a column, in the order of the file.
pub(super) fn header(schema: &Schema, rows: u64, description: &str) -> String {
    let mut xml = String::from(concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        "<VOTABLE version=\"1.4\" xmlns=\"http://www.ivoa.net/xml/VOTable/v1.3\">\n",
        "<RESOURCE type=\"results\">\n",
        "<COOSYS ID=\"icrs\" system=\"ICRS\"/>\n",
    ));
    // Writing to a String cannot fail.
    let _ = writeln!(xml, "<TABLE name=\"spectra\" nrows=\"{rows}\">");
    let _ = writeln!(xml, "<DESCRIPTION>{}</DESCRIPTION>", escape(description));
    for field in schema.fields() {
        let (datatype, arraysize) = datatype(field.data_type());
        let _ = write!(
            xml,
            "<FIELD name=\"{}\" datatype=\"{datatype}\"",
            escape(field.name())
        );
        if let Some(size) = arraysize {
            let _ = write!(xml, " arraysize=\"{size}\"");
        }
        for key in ["unit", "ucd"] {
            if let Some(value) = field.metadata().get(key) {
                let _ = write!(xml, " {key}=\"{}\"", escape(value));
            }
        }
        if matches!(field.name().as_str(), "ra" | "dec") {
            xml.push_str(" ref=\"icrs\"");
        }
        match field.metadata().get("description") {
            Some(text) => {
                let _ = writeln!(xml, "><DESCRIPTION>{}</DESCRIPTION></FIELD>", escape(text));
            }
            None => xml.push_str("/>\n"),
        }
    }
    xml.push_str("</TABLE>\n</RESOURCE>\n</VOTABLE>\n");
    xml
}

/// VOTable's name of a type, and its array size. VOTable has no unsigned 32-bit integers: they are `long`.
fn datatype(data_type: &DataType) -> (&'static str, Option<&'static str>) {
    match data_type {
        DataType::List(element) => (datatype(element.data_type()).0, Some("*")),
        DataType::Boolean => ("boolean", None),
        DataType::Int16 => ("short", None),
        DataType::Int32 => ("int", None),
        DataType::Int64 | DataType::UInt32 => ("long", None),
        DataType::Float32 => ("float", None),
        DataType::Float64 => ("double", None),
        _ => ("char", Some("*")),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::schema;

    #[test]
    fn every_column_is_a_field_with_its_unit_and_text_is_escaped() {
        let xml = header(&schema::arrow_schema(&[]), 7, "a < b & \"c\"");
        assert_eq!(xml.matches("<FIELD ").count(), schema::COLUMNS.len());
        assert!(xml.contains("nrows=\"7\"") && xml.contains("a &lt; b &amp; &quot;c&quot;"));
        let field = |name: &str| {
            xml.lines()
                .find(|line| line.contains(&format!("name=\"{name}\"")))
                .unwrap_or_else(|| panic!("no {name}"))
        };
        assert!(field("ra").contains("unit=\"deg\"") && field("ra").contains("ref=\"icrs\""));
        assert!(field("flux").contains("datatype=\"float\" arraysize=\"*\""));
        assert!(field("flux").contains("unit=\"1e-17 erg s-1 cm-2 Angstrom-1\""));
        assert!(field("source").contains("datatype=\"char\" arraysize=\"*\""));
    }
}
