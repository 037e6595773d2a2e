//! Reads the fields of forms.

/// A field of a form or of a query. Empty if it is absent.
pub fn field(form: &[u8], name: &str) -> String {
    let mut fields = form_urlencoded::parse(form);
    let found = fields.find(|(known, _)| known == name);
    found.map_or_else(String::new, |(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_decoded_and_the_first_of_its_name() {
        let form = b"token=a%2Bb+c&next=%2Fadmin%2F&token=x";
        assert_eq!(field(form, "token"), "a+b c");
        assert_eq!(field(form, "next"), "/admin/");
        assert_eq!(field(form, "other"), "");
    }
}
