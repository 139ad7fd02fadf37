package ssoadmin

// optional is how an empty text is answered: not at all.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// value is the text of an optional member, "" when it is absent.
func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// The two-valued enumerations of the API.
const (
	enabled  = "ENABLED"
	disabled = "DISABLED"
)

func status(on bool) *string {
	if on {
		return new(enabled)
	}
	return new(disabled)
}
