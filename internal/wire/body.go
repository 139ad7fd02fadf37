package wire

import (
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
)

// readBody reads the body once, within the limit.
func (x *exchange) readBody(limit int64) error {
	body, err := readBody(x.room.in[:0], x.call.Request, limit)
	if err != nil {
		return err
	}
	x.call.Body = body
	if body != nil {
		x.room.in = body
	}
	return nil
}

// readBody reads into dst where that has the room. It judges the announced length first, so that nobody uploads what would be refused.
func readBody(dst []byte, r *http.Request, limit int64) ([]byte, error) {
	for _, encoding := range r.Header.Values("Content-Encoding") {
		if encoding != "" && !strings.EqualFold(encoding, "identity") {
			return nil, &Error{Code: "UnsupportedMediaTypeException", Status: http.StatusUnsupportedMediaType,
				Message: "Request bodies with a Content-Encoding are not accepted."}
		}
	}
	if r.ContentLength > limit {
		return nil, errTooLarge(limit)
	}
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil, nil
	}
	var body []byte
	var err error
	if n := r.ContentLength; n > 0 && n <= 64<<10 {
		body = slices.Grow(dst, int(n))[:n]
		_, err = io.ReadFull(r.Body, body)
	} else { // a large buffer is only made for bytes that have come
		body, err = io.ReadAll(io.LimitReader(r.Body, limit+1))
		if n > int64(len(body)) && err == nil {
			err = io.ErrUnexpectedEOF
		}
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, &Error{Code: "RequestTimeoutException", Status: http.StatusRequestTimeout, Message: "The request body did not arrive in time.", Cause: err}
	case err != nil:
		return nil, &Error{Code: "IncompleteBody", Status: http.StatusBadRequest, Message: "The request body could not be read to its end.", Cause: err}
	case int64(len(body)) > limit:
		return nil, errTooLarge(limit)
	}
	return body, nil
}

func errTooLarge(limit int64) *Error {
	return &Error{Code: "RequestEntityTooLargeException", Status: http.StatusRequestEntityTooLarge,
		Message: "The request body is larger than " + sizeText(limit) + "."}
}
