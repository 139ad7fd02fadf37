package sigv4

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"path"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// drawRequest makes a signed request of any shape a client could send, and its bytes on the wire.
func drawRequest(t *rapid.T) (wire []byte, v *Verifier) {
	cred := Credential{
		AccessKeyID:     rapid.StringMatching(`[A-Z0-9]{16,20}`).Draw(t, "key"),
		SecretAccessKey: rapid.StringN(1, 64, 128).Draw(t, "secret"),
	}
	u := url.URL{Scheme: "http", Host: rapid.StringMatching(`[a-z]{1,8}(:[1-9][0-9]{0,3})?`).Draw(t, "host")}
	u.Path = "/" + rapid.StringMatching(`[a-zA-Z0-9/._~ %+&=é-]{0,20}`).Draw(t, "path")
	query := url.Values{}
	for range rapid.IntRange(0, 4).Draw(t, "parameters") {
		query.Add(rapid.StringN(0, 6, 12).Draw(t, "name"), rapid.StringN(0, 6, 12).Draw(t, "value"))
	}
	u.RawQuery = query.Encode()
	body := rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(t, "body")
	r, err := http.NewRequest(rapid.SampledFrom([]string{"GET", "POST", "PUT"}).Draw(t, "method"), u.String(), bytes.NewReader(body))
	if err != nil {
		t.Skip(err)
	}
	if rapid.Bool().Draw(t, "has content type") {
		r.Header.Set("Content-Type", rapid.StringMatching(`[ -~]{1,20}`).Draw(t, "content type"))
	}
	if rapid.Bool().Draw(t, "has x-amz") {
		r.Header.Set("X-Amz-Extra", rapid.StringMatching(`[ -~]{0,20}`).Draw(t, "x-amz"))
	}
	token := rapid.StringMatching(`([A-Za-z0-9+/=]{4,40})?`).Draw(t, "token")
	if rapid.Bool().Draw(t, "presigned") {
		Presign(r, body, cred, token, "svc", "eu-west-1", exampleTime, time.Minute)
	} else {
		Sign(r, body, cred, token, "svc", "eu-west-1", exampleTime)
	}
	var buf bytes.Buffer
	if err := r.Write(&buf); err != nil {
		t.Fatal(err)
	}
	lookup := func(_ context.Context, id, sessionToken string) (Credential, error) {
		if id != cred.AccessKeyID || sessionToken != token {
			return Credential{}, ErrUnknownKey
		}
		return cred, nil
	}
	return buf.Bytes(), &Verifier{Lookup: lookup, Now: fixed(exampleTime)}
}

// parseWire is what a server does before Verify; nil if it would not get that far.
func parseWire(wire []byte) (*http.Request, []byte) {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire)))
	if err != nil {
		return nil, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, nil
	}
	return r, body
}

// meaning is what a server could act on, by net/http's reading and not by ours.
func meaning(r *http.Request, body []byte) map[string]any {
	query, err := url.ParseQuery(r.URL.RawQuery)
	m := map[string]any{
		"method": r.Method, "host": r.Host, "query": query, "query error": err, "body": string(body), "path": path.Clean(r.URL.Path),
	}
	for name, values := range r.Header {
		if strings.HasPrefix(name, "X-Amz-") || name == "Content-Type" {
			for _, v := range values {
				m[name] = strings.Join(strings.Fields(v), " ")
			}
		}
	}
	m["authorization"] = strings.NewReplacer(" ", "", "\t", "").Replace(r.Header.Get("Authorization"))
	return m
}

func TestSignedRequestsVerify(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		wire, v := drawRequest(t)
		r, body := parseWire(wire)
		if r == nil {
			t.Skip("not a request net/http reads")
		}
		if _, err := v.Verify(context.Background(), r, body, "svc"); err != nil {
			t.Fatalf("%v\n%s", err, wire)
		}
	})
}

// Any changed byte is refused, unless net/http reads the same from it in all that is signed.
func TestChangedByteIsRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		wire, v := drawRequest(t)
		before, body := parseWire(wire)
		if before == nil {
			t.Skip("not a request net/http reads")
		}
		want := meaning(before, body)
		changed := bytes.Clone(wire)
		i := rapid.IntRange(0, len(wire)-1).Draw(t, "position")
		changed[i] ^= rapid.ByteRange(1, 255).Draw(t, "flip")
		r, body := parseWire(changed)
		if r == nil {
			return
		}
		if _, err := v.Verify(context.Background(), r, body, "svc"); err != nil {
			return
		}
		if got := meaning(r, body); !reflect.DeepEqual(got, want) {
			t.Fatalf("accepted\n%s\nfor\n%s", changed, wire)
		}
	})
}

func TestAddedPartIsRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		wire, v := drawRequest(t)
		r, body := parseWire(wire)
		if r == nil {
			t.Skip("not a request net/http reads")
		}
		switch rapid.IntRange(0, 4).Draw(t, "what") {
		case 0:
			r.Header.Set("X-Amz-Added", "")
		case 1:
			r.RequestURI += "&added" // or, without a query, another path
		case 2:
			body = append(body, 0)
		case 3:
			r.Header.Set("Authorization", r.Header.Get("Authorization")+"0")
		case 4:
			r.Host += "."
		}
		if _, err := v.Verify(context.Background(), r, body, "svc"); err == nil {
			t.Fatalf("accepted\n%s", wire)
		}
	})
}
