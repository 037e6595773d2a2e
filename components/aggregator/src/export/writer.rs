//! Writes rows as bytes, in the format of the export.

use std::collections::BTreeMap;
use std::io::{Result, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use rollcall_tally::IpRows;
use rollcall_tally::question::{Export, ExportFormat};
use rollcall_tally::report::{ExportRecord, rfc3339_text};

use crate::clock::now_ms;

/// The parameters of an export, and the buckets that it counts.
pub struct Form {
    pub form: Export,
    pub from_ms: Option<u64>,
    pub to_ms: u64,
    /// Says what the export lacks.
    pub warnings: Vec<String>,
}

/// Written bytes wait here until they are taken.
pub struct Writer {
    form: Export,
    text: Vec<u8>,
    /// If the export is compressed, the text goes on to here.
    gzip: Option<GzEncoder<Vec<u8>>>,
    rows: u64,
}

impl Writer {
    pub fn begin(asked: Form) -> Result<Self> {
        let gzip = || GzEncoder::new(Vec::new(), Compression::default());
        let mut writer = Self {
            text: Vec::new(),
            gzip: asked.form.compression.then(gzip),
            form: asked.form.clone(),
            rows: 0,
        };
        writer.head(&asked)?;
        Ok(writer)
    }

    fn head(&mut self, asked: &Form) -> Result<()> {
        match self.form.format {
            ExportFormat::Csv => {
                let mut csv = csv::Writer::from_writer(&mut self.text);
                csv.write_record(ExportRecord::COLUMNS)?;
                csv.flush()
            }
            ExportFormat::Json if self.form.include_metadata => {
                write!(
                    self.text,
                    "{{\"exportedAt\":\"{}\",",
                    rfc3339_text(now_ms())
                )?;
                if !self.form.range.interval().is_given() {
                    let range = self.form.range.name();
                    write!(self.text, "\"dateRange\":\"{range}\",")?;
                }
                let from = serde_json::to_string(&asked.from_ms.map(rfc3339_text))?;
                let to = rfc3339_text(asked.to_ms);
                write!(self.text, "\"from\":{from},\"to\":\"{to}\",")?;
                let conditions = BTreeMap::from_iter(self.form.filter.parameters());
                if !conditions.is_empty() {
                    let filter = serde_json::to_string(&conditions)?;
                    write!(self.text, "\"filter\":{filter},")?;
                }
                let warnings = serde_json::to_string(&asked.warnings)?;
                write!(self.text, "\"warnings\":{warnings},\"data\":[")
            }
            ExportFormat::Json => write!(self.text, "["),
            ExportFormat::Ndjson => Ok(()),
        }
    }

    pub fn rows(&mut self, rows: &IpRows) -> Result<()> {
        match self.form.format {
            ExportFormat::Csv => {
                let mut csv = csv::WriterBuilder::new()
                    .has_headers(false)
                    .from_writer(&mut self.text);
                for record in rows.records() {
                    csv.serialize(record.defused())?;
                }
                csv.flush()?;
            }
            ExportFormat::Json => {
                for (n, record) in rows.records().enumerate() {
                    if self.rows > 0 || n > 0 {
                        self.text.push(b',');
                    }
                    serde_json::to_writer(&mut self.text, &record)?;
                }
            }
            ExportFormat::Ndjson => {
                for record in rows.records() {
                    serde_json::to_writer(&mut self.text, &record)?;
                    self.text.push(b'\n');
                }
            }
        }
        self.rows += rows.paths.len() as u64;
        Ok(())
    }

    /// The bytes of text that are written and not taken.
    pub fn written(&self) -> usize {
        self.text.len()
    }

    /// Ends the document. Returns the bytes that were not taken yet, and the number of rows.
    pub fn end(mut self) -> Result<(Vec<u8>, u64)> {
        match self.form.format {
            ExportFormat::Csv | ExportFormat::Ndjson => {}
            ExportFormat::Json if self.form.include_metadata => {
                write!(self.text, "],\"totalRecords\":{}}}", self.rows)?;
            }
            ExportFormat::Json => write!(self.text, "]")?,
        }
        let rest = match self.gzip {
            None => self.text,
            Some(mut gzip) => {
                gzip.write_all(&self.text)?;
                gzip.finish()?
            }
        };
        Ok((rest, self.rows))
    }

    /// Takes the written bytes that are ready. The end of compressed text is not ready.
    pub fn take(&mut self) -> Result<Vec<u8>> {
        let text = std::mem::take(&mut self.text);
        match &mut self.gzip {
            None => Ok(text),
            Some(gzip) => {
                gzip.write_all(&text)?;
                Ok(std::mem::take(gzip.get_mut()))
            }
        }
    }

    /// Takes all written bytes. Compression gets a little worse.
    pub fn take_all(&mut self) -> Result<Vec<u8>> {
        let mut all = self.take()?;
        if let Some(gzip) = &mut self.gzip {
            gzip.flush()?;
            all.append(gzip.get_mut());
        }
        Ok(all)
    }
}
