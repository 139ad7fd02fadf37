package symbolontest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/symbolon/symbolon"
	"github.com/symbolon/symbolon/internal/sigv4"
	"github.com/symbolon/symbolon/symbolontest"
)

// call sends a signed JSON 1.1 request and returns status and body.
func call(t *testing.T, s *symbolontest.Server, service, target string, in any) (int, string) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, s.URL+"/", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", target)
	sigv4.Sign(r, body, sigv4.Credential{AccessKeyID: s.AccessKeyID, SecretAccessKey: s.SecretAccessKey}, "", service, s.Region, time.Now())
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func users(t *testing.T, s *symbolontest.Server) string {
	t.Helper()
	status, body := call(t, s, "identitystore", "AWSIdentityStore.ListUsers", map[string]any{"IdentityStoreId": s.IdentityStoreID})
	if status != http.StatusOK {
		t.Fatalf("ListUsers: %d %s", status, body)
	}
	return body
}

func organization(t *testing.T, text string) *symbolon.Organization {
	t.Helper()
	o, err := symbolon.ParseOrganization(t.Name(), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestServersAreApart(t *testing.T) {
	a := symbolontest.Start(t)
	b := symbolontest.Start(t, symbolontest.Options{Organization: organization(t, `
instance: { name: other, account: "999988887777" }
users: [ { userName: zoe, email: zoe@example.com } ]
`)})
	if a.URL == b.URL || a.AccessKeyID == b.AccessKeyID || a.InstanceARN == b.InstanceARN {
		t.Errorf("two servers share an address, a key or an instance: %+v, %+v", a.Development, b.Development)
	}
	if !strings.Contains(users(t, a), "alice") || strings.Contains(users(t, b), "alice") || !strings.Contains(users(t, b), "zoe") {
		t.Error("each server must have its own organization and no other")
	}
	if status, body := call(t, &symbolontest.Server{Development: a.Development, URL: b.URL}, "identitystore", "AWSIdentityStore.ListUsers",
		map[string]any{"IdentityStoreId": b.IdentityStoreID}); status != http.StatusForbidden {
		t.Errorf("another server's key: %d %s", status, body)
	}
}

func TestClockMovesAndSignaturesStayOnTheWall(t *testing.T) {
	s := symbolontest.Start(t)
	before := s.Now()
	s.Advance(48 * time.Hour)
	if got := s.Now().Sub(before); got < 48*time.Hour {
		t.Errorf("the clock moved by %v", got)
	}
	users(t, s) // signed with the wall clock of today
}

func TestApplyAndAudit(t *testing.T) {
	s := symbolontest.Start(t)
	s.Apply(t, organization(t, `users: [ { userName: carol, email: carol@example.com } ]`))
	if !strings.Contains(users(t, s), "carol") {
		t.Error("an applied user is missing")
	}
	if !bytes.Contains(s.Audit(t), []byte(`"eventName":"ListUsers"`)) {
		t.Error("the audit log lacks the request")
	}
}

func TestOnDiskSurvivesARestart(t *testing.T) {
	folder := t.TempDir()
	first := symbolontest.Start(t, symbolontest.Options{OnDisk: folder})
	first.Apply(t, organization(t, `users: [ { userName: dave, email: dave@example.com } ]`))
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := symbolontest.Start(t, symbolontest.Options{OnDisk: folder})
	if second.URL != first.URL || second.AccessKeyID != first.AccessKeyID {
		t.Errorf("address or key changed: %s %s, %s %s", first.URL, first.AccessKeyID, second.URL, second.AccessKeyID)
	}
	if !strings.Contains(users(t, second), "dave") {
		t.Error("what was applied is gone")
	}
}

// BenchmarkStart: more than half of a start with the built-in organization is the hash of its user's password.
func BenchmarkStart(b *testing.B) {
	bare, err := symbolon.ParseOrganization("bare", []byte(`
instance: { name: bare, account: "111122223333" }
users: [ { userName: alice, email: alice@example.com } ]
`))
	if err != nil {
		b.Fatal(err)
	}
	for name, organization := range map[string]*symbolon.Organization{"built-in": nil, "without passwords": bare} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := symbolontest.Start(b, symbolontest.Options{Organization: organization}).Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
