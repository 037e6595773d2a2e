//! Writes files in MaxMind's format, for the tests: <https://maxmind.github.io/MaxMind-DB/>.

use std::net::IpAddr;

pub enum Value {
    Text(String),
    Number(u32),
    Map(Vec<(&'static str, Value)>),
}

pub fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

pub fn map<const N: usize>(pairs: [(&'static str, Value); N]) -> Value {
    Value::Map(pairs.into())
}

#[derive(Clone, Copy)]
enum Child {
    Nothing,
    Node(usize),
    /// The place in the data section.
    Data(usize),
}

/// A file that is being made.
pub struct Writer {
    /// 4 or 6.
    pub ip_version: u16,
    /// The bits of a record in the tree: 24, 28 or 32.
    pub record_bits: u16,
    nodes: Vec<[Child; 2]>,
    data: Vec<u8>,
}

impl Writer {
    pub fn new(ip_version: u16, record_bits: u16) -> Self {
        Self {
            ip_version,
            record_bits,
            nodes: vec![[Child::Nothing; 2]],
            data: Vec::new(),
        }
    }

    /// Adds a network, as in `192.0.2.0/24`. It may not be in another one.
    pub fn add(mut self, network: &str, record: Value) -> Self {
        let (address, prefix) = network.split_once('/').unwrap();
        let prefix: usize = prefix.parse().unwrap();
        let (bits, prefix) = match address.parse().unwrap() {
            IpAddr::V4(ip) if self.ip_version == 4 => (u128::from(ip.to_bits()) << 96, prefix),
            IpAddr::V4(ip) => (u128::from(ip.to_bits()), 96 + prefix),
            IpAddr::V6(ip) => (ip.to_bits(), prefix),
        };
        let place = self.data.len();
        value(&record, &mut self.data);
        let mut node = 0;
        for depth in 0..prefix {
            let side = usize::from(bits >> (127 - depth) & 1 == 1);
            if depth + 1 == prefix {
                self.nodes[node][side] = Child::Data(place);
            } else if let Child::Node(next) = self.nodes[node][side] {
                node = next;
            } else {
                let next = self.nodes.len();
                self.nodes[node][side] = Child::Node(next);
                self.nodes.push([Child::Nothing; 2]);
                node = next;
            }
        }
        self
    }

    /// Adds bytes that no record has, so that the file is `length` bytes longer.
    pub fn pad(mut self, length: usize) -> Self {
        self.data.resize(self.data.len() + length, 0);
        self
    }

    pub fn write(&self) -> Vec<u8> {
        let mut file = Vec::new();
        for node in &self.nodes {
            let [left, right] = node.map(|child| self.pointer(child));
            match self.record_bits {
                24 => {
                    file.extend(&left.to_be_bytes()[1..]);
                    file.extend(&right.to_be_bytes()[1..]);
                }
                28 => {
                    file.extend(&left.to_be_bytes()[1..]);
                    file.push((left >> 24 << 4 | right >> 24) as u8);
                    file.extend(&right.to_be_bytes()[1..]);
                }
                _ => {
                    file.extend(left.to_be_bytes());
                    file.extend(right.to_be_bytes());
                }
            }
        }
        file.extend([0; 16]);
        file.extend(&self.data);
        file.extend(b"\xab\xcd\xefMaxMind.com");
        self.metadata(&mut file);
        file
    }

    fn pointer(&self, child: Child) -> u32 {
        let pointer = match child {
            Child::Nothing => self.nodes.len(),
            Child::Node(node) => node,
            Child::Data(place) => self.nodes.len() + 16 + place,
        };
        pointer.try_into().unwrap()
    }

    fn metadata(&self, file: &mut Vec<u8>) {
        head(7, 9, file);
        for (key, number) in [
            ("binary_format_major_version", 2),
            ("binary_format_minor_version", 0),
            ("ip_version", self.ip_version),
            ("record_size", self.record_bits),
        ] {
            value(&text(key), file);
            head(5, 2, file);
            file.extend(number.to_be_bytes());
        }
        value(&text("node_count"), file);
        value(&Value::Number(self.nodes.len() as u32), file);
        value(&text("build_epoch"), file);
        head(9, 8, file);
        file.extend(1_747_476_303_u64.to_be_bytes());
        value(&text("database_type"), file);
        value(&text("Test"), file);
        value(&text("languages"), file);
        head(11, 0, file);
        value(&text("description"), file);
        value(&map([]), file);
    }
}

fn value(of: &Value, bytes: &mut Vec<u8>) {
    match of {
        Value::Text(text) => {
            head(2, text.len(), bytes);
            bytes.extend(text.as_bytes());
        }
        Value::Number(number) => {
            head(6, 4, bytes);
            bytes.extend(number.to_be_bytes());
        }
        Value::Map(pairs) => {
            head(7, pairs.len(), bytes);
            for (key, of) in pairs {
                value(&text(key), bytes);
                value(of, bytes);
            }
        }
    }
}

/// The type of a value, and its length.
fn head(kind: u8, length: usize, bytes: &mut Vec<u8>) {
    let (short, rest) = match length {
        0..29 => (length, vec![]),
        29..285 => (29, vec![length - 29]),
        _ => (30, vec![(length - 285) >> 8, (length - 285) & 0xff]),
    };
    if kind < 8 {
        bytes.push(kind << 5 | short as u8);
    } else {
        bytes.extend([short as u8, kind - 7]);
    }
    bytes.extend(rest.iter().map(|byte| *byte as u8));
}
