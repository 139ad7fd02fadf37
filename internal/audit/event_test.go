package audit

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

func sample() *Event {
	return &Event{
		UserIdentity: UserIdentity{
			Type: "AssumedRole", PrincipalID: "AROAEXAMPLE:app", ARN: "arn:aws:sts::111122223333:assumed-role/app/app",
			AccountID: "111122223333", AccessKeyID: "ASIAEXAMPLE",
			OnBehalfOf: &OnBehalfOf{"user", "arn:aws:identitystore::111122223333:identitystore/d-1"},
		},
		EventTime:       time.Date(2026, 7, 1, 2, 8, 19, 999, time.FixedZone("", 2*3600)),
		EventSource:     "sso-oauth.amazonaws.com",
		EventName:       "CreateTokenWithIAM",
		AWSRegion:       "us-east-1",
		SourceIPAddress: "192.0.2.1",
		UserAgent:       "Boto3/1.43",
		RequestParameters: jsontext.Value(`{"clientId":"arn:aws:sso::1:application/a/b","grantType":"refresh_token",` +
			`"refreshToken":"HIDDEN_DUE_TO_SECURITY_REASONS","scope":["openid"]}`),
		RequestID:          "8506bebb-9eca-4771-9336-953ba378efb1",
		EventID:            "0d4f5d3c-4a32-4c0e-8f0e-2f3d6a1b9c11",
		Resources:          []Resource{{Type: "AWS::SSO::Application", ARN: "arn:aws:sso::1:application/a/b"}},
		EventType:          "AwsApiCall",
		RecipientAccountID: "111122223333",
		TLSDetails:         &TLSDetails{ClientProvidedHostHeader: "oidc.us-east-1.amazonaws.com"},
	}
}

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestLineIsACloudTrailRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	if err := open(t, path).Write(t.Context(), sample()); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:app",` +
		`"arn":"arn:aws:sts::111122223333:assumed-role/app/app","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE",` +
		`"onBehalfOf":{"userId":"user","identityStoreArn":"arn:aws:identitystore::111122223333:identitystore/d-1"}},` +
		`"eventTime":"2026-07-01T00:08:19Z","eventSource":"sso-oauth.amazonaws.com","eventName":"CreateTokenWithIAM",` +
		`"awsRegion":"us-east-1","sourceIPAddress":"192.0.2.1","userAgent":"Boto3/1.43","requestParameters":` +
		`{"clientId":"arn:aws:sso::1:application/a/b","grantType":"refresh_token","refreshToken":"HIDDEN_DUE_TO_SECURITY_REASONS","scope":["openid"]},` +
		`"responseElements":null,"requestID":"8506bebb-9eca-4771-9336-953ba378efb1","eventID":"0d4f5d3c-4a32-4c0e-8f0e-2f3d6a1b9c11",` +
		`"readOnly":false,"resources":[{"type":"AWS::SSO::Application","ARN":"arn:aws:sso::1:application/a/b"}],"eventType":"AwsApiCall",` +
		`"recipientAccountId":"111122223333","eventCategory":"Management","tlsDetails":{"clientProvidedHostHeader":"oidc.us-east-1.amazonaws.com"},` +
		`"chain":"`
	if diff := cmp.Diff(want, string(got[:len(got)-2*32-len(chainEnd)-1])); diff != "" {
		t.Error(diff)
	}
}

// TestEncoding: an event is written as its struct's tags say.
func TestEncoding(t *testing.T) {
	full := sample()
	full.UserIdentity.UserName, full.UserIdentity.CredentialID = "u", "c"
	full.UserIdentity.SessionContext = &SessionContext{
		SessionAttributes{CreationDate: "2026-07-01T00:00:00Z", MFAAuthenticated: "false"}, SessionIssuer{"1", "arn", "Role", "\xff"},
	}
	full.ErrorCode, full.ErrorMessage, full.ReadOnly = "AccessDeniedException", "<\u2028\x00\"\\>", true
	full.ResponseElements = jsontext.Value(`{"a":1}`)
	full.Resources = append(full.Resources, Resource{AccountID: "1"})
	full.TLSDetails.TLSVersion, full.TLSDetails.CipherSuite = "TLS 1.3", "TLS_AES_128_GCM_SHA256"
	full.ServiceEventDetails = map[string]any{"b": 1, "a": []string{"x"}}
	full.AdditionalEventData = map[string]any{"refusalReason": "because \xff", "more": map[string]any{}, "a": nil}
	for name, e := range map[string]*Event{"full": full, "usual": sample(), "empty": {}} {
		got, err := e.append(nil)
		fatal(t, err)
		tagged := *e
		tagged.EventTime = e.EventTime.UTC().Truncate(time.Second)
		want, err := json.Marshal(&tagged, json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
		fatal(t, err)
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestReadyJSON: what comes as JSON is written in one line, and cannot be more than a member.
func TestReadyJSON(t *testing.T) {
	e := sample()
	e.ResponseElements = jsontext.Value("{\"list\":[ ],\n\"text\":\"\\u003c\u2028\xff\\u003e\"}")
	got, err := e.append(nil)
	if want := `"responseElements":{"list":[],"text":"<` + "\u2028\ufffd" + `>"},`; err != nil || !strings.Contains(string(got), want) {
		t.Errorf("%v\n%s", err, got)
	}
	e.Encoded = true // which it is not: the line stays whole
	if got, err := e.append(nil); err != nil || bytes.IndexByte(got, '\n') >= 0 {
		t.Errorf("%v\n%s", err, got)
	}
	e.ResponseElements = jsontext.Value(`{"a":[1,"b"]}`)
	if got, err := e.append(nil); err != nil || !strings.Contains(string(got), `"responseElements":{"a":[1,"b"]},`) {
		t.Errorf("%v\n%s", err, got)
	}
	for _, bad := range []string{"", "{", `{},"more":1`, `{"a":1,"a":2}`} {
		for i, e := range []Event{{RequestParameters: jsontext.Value(bad)}, {ResponseElements: jsontext.Value(bad)}, {AdditionalEventData: jsontext.Value(bad)}} {
			if got, err := e.append(nil); err == nil {
				t.Errorf("%d: %s was written: %s", i, bad, got)
			}
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	var buf []byte
	e := sample()
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = e.append(buf[:0]); err != nil {
			b.Fatal(err)
		}
	}
}

func TestFill(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	a, b := &Event{}, &Event{EventVersion: "v", EventID: "i", EventCategory: "c", EventTime: now}
	a.fill(func() time.Time { return now })
	b.fill(time.Now)
	if a.EventVersion != "1.11" || a.EventCategory != "Management" || a.EventTime != now || len(a.EventID) != 36 || a.EventID[14] != '4' {
		t.Errorf("%+v", a)
	}
	if b.EventVersion != "v" || b.EventID != "i" || b.EventCategory != "c" || b.EventTime != now {
		t.Errorf("%+v", b)
	}
}

// What a client chooses cannot make an event unwritable, break a line or fill the disk.
func TestHostileContent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l := open(t, path)
	events := []*Event{
		{EventName: "utf8", UserAgent: "a\xff\xfe\x00\r\n\u2028\",\"chain\":\"", RequestParameters: jsontext.Value("{\"\xff\":\"\xff\"}")},
		{EventName: "long", UserAgent: strings.Repeat("é", 1<<20), ErrorMessage: strings.Repeat("x", 1<<20)},
		{EventName: "huge", RequestParameters: jsontext.Value(`{"a":"` + strings.Repeat("x", 1<<20) + `"}`)},
	}
	for _, e := range events {
		if err := l.Write(t.Context(), e); err != nil {
			t.Errorf("%s: %v", e.EventName, err)
		}
	}
	if err := l.Write(t.Context(), &Event{EventName: strings.Repeat("x", 1<<20)}); err == nil {
		t.Error("an event over the limit was written")
	}
	if err := l.Write(t.Context(), &Event{AdditionalEventData: map[string]any{"f": func() {}}}); err == nil {
		t.Error("an event that is no JSON was written")
	}
	write(t, l, "after")
	whole(t, []string{"utf8", "long", "huge", "after"}, path)
	if info, err := os.Stat(path); err != nil || info.Size() > 8<<10 {
		t.Errorf("%d bytes, %v", info.Size(), err)
	}
	if len(events[1].UserAgent) <= maxText || len(events[2].RequestParameters) < 1<<20 {
		t.Error("the caller's event was changed")
	}
}

func TestHash(t *testing.T) {
	if got := Hash("abc"); got != "ba7816bf8f01cfea414140de5dae2223" {
		t.Error(got)
	}
	if got := Hash(""); got != "" {
		t.Errorf("of nothing: %q", got)
	}
}

func BenchmarkWrite(b *testing.B) {
	l := open(b, filepath.Join(b.TempDir(), "audit.jsonl"))
	e := sample()
	b.Run("one", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := l.Write(b.Context(), e); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("64", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			e := sample()
			for pb.Next() {
				if err := l.Write(b.Context(), e); err != nil {
					b.Error(err)
				}
			}
		})
	})
}
