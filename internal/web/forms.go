package web

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
)

const maxForm = 64 << 10 // bytes of a form's body

// readForm reads the fields of a form that a page of ours has sent. It answers itself, and says false, when another site sent
// it or when two parsers could read it differently. Fields in the URL do not count.
func (s *site) readForm(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	if err := s.cross.Check(r); err != nil {
		s.render(w, foreignForm)
		return nil, false
	}
	form, ok := s.readFields(w, r)
	if !ok {
		return nil, false
	}
	for _, values := range form {
		if len(values) != 1 {
			s.render(w, badForm)
			return nil, false
		}
	}
	return form, true
}

// readFields reads the fields of a form that anybody may have sent, or answers itself and says false. Fields in the URL do not count.
func (s *site) readFields(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" || r.Header.Get("Content-Encoding") != "" {
		s.render(w, notAForm)
		return nil, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		s.render(w, formTooLarge)
		return nil, false
	}
	form, malformed := url.ParseQuery(string(body))
	if err != nil || malformed != nil {
		s.render(w, badForm)
		return nil, false
	}
	return form, true
}
