package audit

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
		RequestParameters: map[string]any{
			"grantType": "refresh_token", "refreshToken": Hidden, "clientId": "arn:aws:sso::1:application/a/b", "scope": []string{"openid"},
		},
		RequestID:          "8506bebb-9eca-4771-9336-953ba378efb1",
		EventID:            "0d4f5d3c-4a32-4c0e-8f0e-2f3d6a1b9c11",
		Resources:          []Resource{{Type: "AWS::SSO::Application", ARN: "arn:aws:sso::1:application/a/b"}},
		EventType:          "AwsApiCall",
		RecipientAccountID: "111122223333",
		TLSDetails:         &TLSDetails{ClientProvidedHostHeader: "oidc.us-east-1.amazonaws.com"},
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

// TestReadyJSON: members that come as JSON are written as their maps would be, and cannot be more than a member.
func TestReadyJSON(t *testing.T) {
	var want, got bytes.Buffer
	e := sample()
	e.ResponseElements = map[string]any{"text": "<\u2028\ufffd>", "list": []any{}}
	if err := e.encode(&want); err != nil {
		t.Fatal(err)
	}
	e.RequestParameters = jsontext.Value(`{"clientId":"arn:aws:sso::1:application/a/b","grantType":"refresh_token",` +
		`"refreshToken":"HIDDEN_DUE_TO_SECURITY_REASONS","scope":["openid"]}`)
	e.ResponseElements = jsontext.Value("{\"list\":[ ],\n\"text\":\"\\u003c\u2028\xff\\u003e\"}")
	if err := e.encode(&got); err != nil || got.String() != want.String() {
		t.Errorf("%v\n%s\n%s", err, &got, &want)
	}
	for _, nothing := range []any{nil, map[string]any(nil), jsontext.Value(nil)} {
		got.Reset()
		e.RequestParameters = nothing
		if err := e.encode(&got); err != nil || !strings.Contains(got.String(), `"requestParameters":null,`) {
			t.Errorf("%v %s", err, &got)
		}
	}
	for _, bad := range []string{"", "{", `{},"more":1`, `{"a":1,"a":2}`} {
		got.Reset()
		e.RequestParameters = jsontext.Value(bad)
		if err := e.encode(&got); err == nil {
			t.Errorf("%s was written: %s", bad, &got)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	ready := sample()
	ready.RequestParameters = jsontext.Value(`{"clientId":"arn:aws:sso::1:application/a/b","grantType":"refresh_token",` +
		`"refreshToken":"HIDDEN_DUE_TO_SECURITY_REASONS","scope":["openid"]}`)
	for name, e := range map[string]*Event{"map": sample(), "ready": ready} {
		b.Run(name, func(b *testing.B) {
			var buf bytes.Buffer
			b.ReportAllocs()
			for b.Loop() {
				buf.Reset()
				if err := e.encode(&buf); err != nil {
					b.Fatal(err)
				}
			}
		})
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
		{EventName: "utf8", UserAgent: "a\xff\xfe\x00\r\n\u2028\",\"chain\":\"", RequestParameters: map[string]any{"\xff": "\xff"}},
		{EventName: "long", UserAgent: strings.Repeat("é", 1<<20), ErrorMessage: strings.Repeat("x", 1<<20)},
		{EventName: "huge", RequestParameters: map[string]any{"a": strings.Repeat("x", 1<<20)}},
	}
	for _, e := range events {
		if err := l.Write(t.Context(), e); err != nil {
			t.Errorf("%s: %v", e.EventName, err)
		}
	}
	if err := l.Write(t.Context(), &Event{EventName: strings.Repeat("x", 1<<20)}); err == nil {
		t.Error("an event over the limit was written")
	}
	if err := l.Write(t.Context(), &Event{RequestParameters: map[string]any{"f": func() {}}}); err == nil {
		t.Error("an event that is no JSON was written")
	}
	write(t, l, "after")
	whole(t, []string{"utf8", "long", "huge", "after"}, path)
	if info, err := os.Stat(path); err != nil || info.Size() > 8<<10 {
		t.Errorf("%d bytes, %v", info.Size(), err)
	}
	if len(events[1].UserAgent) <= maxText || events[2].RequestParameters.(map[string]any)["omitted"] != nil {
		t.Error("the caller's event was changed")
	}
}

func TestSameEventSameBytes(t *testing.T) {
	var first, again bytes.Buffer
	if err := sample().encode(&first); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		again.Reset()
		if err := sample().encode(&again); err != nil || !bytes.Equal(first.Bytes(), again.Bytes()) {
			t.Fatalf("%v\n%s\n%s", err, first.Bytes(), again.Bytes())
		}
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
