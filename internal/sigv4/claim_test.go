package sigv4

import (
	"strings"
	"testing"
)

// The Date header stands in for X-Amz-Date, in both of its forms.
func TestDateHeader(t *testing.T) {
	for date, code := range map[string]string{
		"20150830T123600Z":              "",
		"Sun, 30 Aug 2015 12:36:00 GMT": "",
		"2015-08-30T12:36:00Z":          codeIncomplete,
		"20150830T123600.5Z":            codeIncomplete,
		"":                              codeIncomplete,
		"Sun, 30 Aug 2015 12:30:00 GMT": codeMismatch,
	} {
		r := post(t, "/", "{}")
		Sign(r, []byte("{}"), example, "", "sts", "us-east-1", exampleTime)
		r.Header.Del("X-Amz-Date")
		r.Header.Set("Date", date)
		m, c := resign(r, "{}", "content-type;date;host;x-amz-target")
		var f forms
		f.add(m.appendCanonical(nil, "/"), "20150830T123600Z", c.scope)
		key := deriveKey(example.SecretAccessKey, c.scope)
		r.Header.Set("Authorization", authorization(c, mac(key[:], f.text[0])))
		_, err := newVerifier().Verify(t.Context(), r, []byte("{}"), "sts")
		if code == "" {
			if err != nil {
				t.Errorf("%q: %v", date, err)
			}
		} else {
			refused(t, err, code)
		}
	}
}

func TestAuthorizationHeader(t *testing.T) {
	r := post(t, "/", "{}")
	Sign(r, []byte("{}"), example, "", "sts", "us-east-1", exampleTime)
	good := r.Header.Get("Authorization")
	parts := strings.Split(strings.TrimPrefix(good, algorithm+" "), ", ")
	cred, headers, sig := parts[0], parts[1], parts[2]
	tests := []struct{ header, code string }{
		{good, ""},
		{algorithm + " " + cred + "," + headers + "," + sig, ""},
		{algorithm + "  " + sig + " ,\t" + cred + " , " + headers + " ", ""},
		{"", codeMissing},
		{"Bearer x", codeMissing},
		{"Basic QUtJREVYQU1QTEU6eA==", codeMissing},
		{"AWS AKIDEXAMPLE:c2lnbmF0dXJl", codeIncomplete},
		{"AWS3-HTTPS AWSAccessKeyId=AKIDEXAMPLE", codeIncomplete},
		{strings.Replace(good, algorithm, "AWS4-ECDSA-P256-SHA256", 1), codeIncomplete},
		{strings.Replace(good, algorithm, "AWS4-HMAC-SHA512", 1), codeIncomplete},
		{algorithm, codeIncomplete},
		{algorithm + " ", codeIncomplete},
		{algorithm + " " + cred + ", " + headers, codeIncomplete},
		{algorithm + " " + cred + ", " + sig, codeIncomplete},
		{algorithm + " " + headers + ", " + sig, codeIncomplete},
		{good + ",", codeIncomplete},
		{good + ", " + sig, codeIncomplete},
		{good + ", Credential=", codeIncomplete},
		{good + ", Extra=1", codeIncomplete},
		{good + ", " + good, codeIncomplete},
		{strings.Replace(good, "Credential", "credential", 1), codeIncomplete},
		{strings.Replace(good, "/aws4_request", "", 1), codeIncomplete},
		{strings.Replace(good, "AKIDEXAMPLE", "AKID/EXAMPLE", 1), codeIncomplete},
		{strings.Replace(good, "AKIDEXAMPLE", "", 1), codeUnrecognized},
		{strings.Replace(good, "AKIDEXAMPLE", "AKID EXAMPLE", 1), codeUnrecognized},
		{strings.Replace(good, "AKIDEXAMPLE", strings.Repeat("A", 129), 1), codeUnrecognized},
		{algorithm + " " + cred + ", " + headers + ", Signature=" + strings.ToUpper(strings.TrimPrefix(sig, "Signature=")), codeMismatch},
		{good + "00", codeMismatch},
		{good[:len(good)-2], codeMismatch},
		{good[:len(good)-2] + "zz", codeMismatch},
		{algorithm + " " + strings.Repeat("a", maxAuthorization), codeIncomplete},
	}
	for _, tt := range tests {
		r.Header.Set("Authorization", tt.header)
		_, err := newVerifier().Verify(t.Context(), r, []byte("{}"), "sts")
		if tt.code != "" {
			refused(t, err, tt.code)
		} else if err != nil {
			t.Errorf("%q: %v", tt.header, err)
		}
	}
	r.Header["Authorization"] = []string{good, good}
	_, err := newVerifier().Verify(t.Context(), r, []byte("{}"), "sts")
	refused(t, err, codeIncomplete)
	r.Header.Del("Authorization")
	_, err = newVerifier().Verify(t.Context(), r, []byte("{}"), "sts")
	refused(t, err, codeMissing)
}
