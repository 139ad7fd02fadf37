package sigv4

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The example credentials of AWS's documentation.
var example = Credential{
	AccessKeyID:     "AKIDEXAMPLE",
	SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
	Version:         "1",
	Principal:       "example",
}

var exampleTime = time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)

func fixed(t time.Time) func() time.Time { return func() time.Time { return t } }

// knows is a Lookup that knows these credentials, session tokens not asked for.
func knows(creds ...Credential) func(context.Context, string, string) (Credential, error) {
	return func(_ context.Context, id, _ string) (Credential, error) {
		for _, c := range creds {
			if c.AccessKeyID == id {
				return c, nil
			}
		}
		return Credential{}, ErrUnknownKey
	}
}

// receive turns the text of a request into what a server would have; lines end in \n for readability.
func receive(t testing.TB, text string) (*http.Request, []byte) {
	t.Helper()
	head, body, _ := strings.Cut(text, "\n\n")
	raw := strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	received, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r, received
}

// The signatures are those AWS publishes for the same requests.
func TestPublishedSignatures(t *testing.T) {
	const host = "Host:example.amazonaws.com\n"
	const date = "X-Amz-Date:20150830T123600Z\n"
	tests := []struct {
		name, line, headers, body, signed, signature string
	}{
		{"vanilla", "GET / HTTP/1.1", host + date, "", "host;x-amz-date",
			"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"post", "POST / HTTP/1.1", host + date, "", "host;x-amz-date",
			"5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		{"relative path", "GET /example/.. HTTP/1.1", host + date, "", "host;x-amz-date",
			"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"doubled slash", "GET // HTTP/1.1", host + date, "", "host;x-amz-date",
			"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"UTF-8 path", "GET /ሴ HTTP/1.1", host + date, "", "host;x-amz-date",
			"8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
		{"query order", "GET /?Param2=value2&Param1=value1 HTTP/1.1", host + date, "", "host;x-amz-date",
			"b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		{"trimmed values", "GET / HTTP/1.1", host + "My-Header1: value1\nMy-Header2: \"a   b   c\"\n" + date, "",
			"host;my-header1;my-header2;x-amz-date",
			"acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
		{"form", "POST / HTTP/1.1", "Content-Type:application/x-www-form-urlencoded\n" + host + date + "Content-Length: 13\n", "Param1=value1",
			"content-type;host;x-amz-date",
			"ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			authorization := "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=" +
				tt.signed + ", Signature=" + tt.signature + "\n"
			r, body := receive(t, tt.line+"\n"+tt.headers+authorization+"\n"+tt.body)
			v := &Verifier{Lookup: knows(example), Now: fixed(exampleTime)}
			id, err := v.Verify(t.Context(), r, body, "service")
			if err != nil {
				t.Fatal(err)
			}
			want := Identity{"AKIDEXAMPLE", "us-east-1", "service", exampleTime, false, "example"}
			if id != want {
				t.Errorf("got %+v, want %+v", id, want)
			}
		})
	}
}

// The worked example of the IAM User Guide: the derived key and the signature of ListUsers.
func TestWorkedExample(t *testing.T) {
	key := deriveKey(example.SecretAccessKey, scope{"20150830", "us-east-1", "iam", terminator})
	if got := hex.EncodeToString(key[:]); got != "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9" {
		t.Errorf("derived key %s", got)
	}
	r, _ := http.NewRequest("GET", "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", nil)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	Sign(r, nil, example, "", "iam", "us-east-1", exampleTime)
	want := "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, " +
		"Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
	if got := r.Header.Get("Authorization"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestCanonicalRequest(t *testing.T) {
	r, body := receive(t, "POST /a%20b/ሴ/../c?b=2&a=%7e&a=+x&c&%61=1 HTTP/1.1\nHost: h:8080\nContent-Length: 2\nX-Amz-Date: 20150830T123600Z\nX-Odd:  a \t b  \n\nhi")
	target, err := parseTarget(r)
	if err != nil {
		t.Fatal(err)
	}
	var m message
	if err := m.read(r, target, &claim{signedHeaders: "content-length;host;x-amz-date;x-odd"}, body); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"POST",
		"/a%2520b/c",
		"a=%20x&a=1&a=~&b=2&c=",
		"content-length:2",
		"host:h:8080",
		"x-amz-date:20150830T123600Z",
		"x-odd:a b",
		"",
		"content-length;host;x-amz-date;x-odd",
		"8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4",
	}, "\n")
	if got := m.appendCanonical(nil, normalizePath(m.path)); !bytes.Equal(got, []byte(want)) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestNormalizePath(t *testing.T) {
	for _, tt := range [][2]string{
		{"/", "/"}, {"//", "/"}, {"/a", "/a"}, {"/a/", "/a/"}, {"/a//b", "/a/b"}, {"/./a", "/a"}, {"/a/.", "/a"},
		{"/a/./", "/a/"}, {"/a/..", "/"}, {"/a/../", "/"}, {"/../a", "/a"}, {"/a/../../b", "/b"}, {"/.a", "/.a"},
		{"/a/...", "/a/..."}, {"/%2e%2e/a", "/%2e%2e/a"}, {"/.well-known/x", "/.well-known/x"},
	} {
		if got := normalizePath(tt[0]); got != tt[1] {
			t.Errorf("normalizePath(%q) = %q, want %q", tt[0], got, tt[1])
		}
	}
}
