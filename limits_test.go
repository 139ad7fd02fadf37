package symbolon

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/sigv4"
	"github.com/symbolon/symbolon/internal/wire"
)

// callerIdentity calls sts GetCallerIdentity at the target, signed with the key of d.
func callerIdentity(s *Server, d Development, target string) (int, string) {
	const body = "Action=GetCallerIdentity&Version=2011-06-15"
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	sigv4.Sign(r, []byte(body), sigv4.Credential{AccessKeyID: d.AccessKeyID, SecretAccessKey: d.SecretAccessKey}, "", "sts", "us-east-1", time.Now())
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func call(service *wire.Service, account, arn, address string) *wire.Call {
	return &wire.Call{
		Service: service, Caller: &iam.Caller{AccountID: account, ARN: arn}, Request: &http.Request{RemoteAddr: address},
	}
}

var (
	tokenService = &wire.Service{SigningName: "sso-oauth", Protocol: wire.RestJSON1}
	adminService = &wire.Service{SigningName: "sso", Protocol: wire.AWSJSON11}
)

// drain takes until it is refused and returns how often it was admitted.
func drain(admit func() error) int {
	for n := 0; ; n++ {
		if admit() != nil {
			return n
		}
	}
}

func TestLimitsCountCallersApart(t *testing.T) {
	now := time.Now()
	l := newLimits(Config{}, func() time.Time { return now })
	one := call(adminService, "111122223333", "arn:aws:iam::111122223333:user/a", "192.0.2.1:1")
	if got := drain(func() error { return l.admit(one) }); got != l.caller.burst {
		t.Errorf("a caller got %d requests at once, not %d", got, l.caller.burst)
	}
	for name, other := range map[string]*wire.Call{
		"another user":    call(adminService, "111122223333", "arn:aws:iam::111122223333:user/b", "192.0.2.1:1"),
		"another account": call(adminService, "444455556666", "arn:aws:iam::444455556666:user/a", "192.0.2.1:1"),
		"same ARN, another account (a restored or shared name)": call(adminService, "444455556666", "arn:aws:iam::111122223333:user/a", "192.0.2.1:1"),
	} {
		if err := l.admit(other); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	now = now.Add(time.Second)
	if got := drain(func() error { return l.admit(one) }); got != defaultCallerLimit {
		t.Errorf("a second later it got %d requests, not %d", got, defaultCallerLimit)
	}
}

// TestLimitsCountAddressesBeforeSignatures: failures count too, and no address is exempt, loopback neither.
func TestLimitsCountAddressesBeforeSignatures(t *testing.T) {
	now := time.Now()
	l := newLimits(Config{}, func() time.Time { return now })
	one := call(tokenService, "", "", "127.0.0.1:1000")
	if got := drain(func() error { return l.admitAddress(t.Context(), one) }); got != l.address.burst {
		t.Errorf("an address got %d requests at once, not %d", got, l.address.burst)
	}
	if err := l.admitAddress(t.Context(), call(tokenService, "", "", "127.0.0.1:2000")); err == nil {
		t.Error("another port of the same address has its own limit")
	}
	if err := l.admitAddress(t.Context(), call(tokenService, "", "", "192.0.2.2:1000")); err != nil {
		t.Errorf("another address: %v", err)
	}
	all := 0
	for i := range l.global.burst {
		if l.admitAddress(t.Context(), call(tokenService, "", "", fmt.Sprintf("198.51.100.%d:1", i%250))) == nil {
			all++
		}
	}
	if all >= l.global.burst {
		t.Error("all addresses together have no limit")
	}
}

// TestOneFloodLeavesTheOthersTheirs: what is refused to one address, or to one that guesses passwords, is not taken from what all may have
// together: else a single machine would shut everybody out.
func TestOneFloodLeavesTheOthersTheirs(t *testing.T) {
	now := time.Now()
	flood := func(l *limits, ask func(address string) bool) {
		for range 2 * l.global.burst {
			ask("192.0.2.1:1")
		}
		if !ask("198.51.100.1:1") {
			t.Error("another address is refused")
		}
		if left := l.all.TokensAt(now); left < float64(l.global.burst-l.address.burst-1) {
			t.Errorf("%v of %d requests are left for all others", left, l.global.burst)
		}
	}
	calls := newLimits(Config{}, func() time.Time { return now })
	flood(calls, func(address string) bool {
		return calls.admitAddress(t.Context(), call(tokenService, "", "", address)) == nil
	})
	forms := newLimits(Config{}, func() time.Time { return now })
	page := forms.pages(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	flood(forms, func(address string) bool {
		r := httptest.NewRequest(http.MethodPost, "/signin", nil)
		r.RemoteAddr = address
		w := httptest.NewRecorder()
		page.ServeHTTP(w, r)
		return w.Code == http.StatusOK
	})
}

// TestDocumentsAreLimited: what anybody may ask for is counted, too, but for the health that load balancers ask for.
func TestDocumentsAreLimited(t *testing.T) {
	s := testServer(t, Config{Limits: "on", Issuer: "https://sso.example.com/base", BehindProxy: true})
	get := func(target string) int {
		r := httptest.NewRequest(http.MethodGet, target, nil)
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w.Code
	}
	documents := []string{
		"/base/.well-known/jwks.json", "/base/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/base",
	}
	for _, target := range documents {
		if status := get(target); status != http.StatusOK {
			t.Errorf("%s: HTTP %d", target, status)
		}
	}
	s.limits.all = rate.NewLimiter(0, 0)
	for _, target := range documents {
		if status := get(target); status != http.StatusTooManyRequests {
			t.Errorf("%s beyond the limit: HTTP %d", target, status)
		}
	}
	if status := get("/healthz"); status != http.StatusOK {
		t.Errorf("health beyond the limit: HTTP %d", status)
	}
}

func TestRefusalsHaveTheServicesShape(t *testing.T) {
	l := newLimits(Config{}, time.Now)
	l.all = rate.NewLimiter(0, 0)
	for _, c := range []struct {
		service *wire.Service
		code    string
		field   any
	}{
		{tokenService, "SlowDownException", "slow_down"}, {adminService, "ThrottlingException", nil},
	} {
		err, ok := l.admitAddress(t.Context(), call(c.service, "", "", "192.0.2.1:1")).(*wire.Error)
		if !ok || err.Code != c.code || err.Status != http.StatusBadRequest || err.RetryAfter != time.Second || err.Fields["error"] != c.field {
			t.Errorf("%s: %+v", c.service.SigningName, err)
		}
	}
}

// TestThrottledOnTheWire: the same through HTTP, unsigned and signed.
func TestThrottledOnTheWire(t *testing.T) {
	s := testServer(t, Config{Limits: "on"})
	d := Development{AccountID: "111122223333", AccessKeyID: "AKIATESTTESTTESTTEST", SecretAccessKey: fmt.Sprintf("%040d", 7)}
	mustApply(t, s, smallOrganization)
	_, err := s.Apply(t.Context(), administratorOf(&d))
	check(t, err)
	if status, body := callerIdentity(s, d, "/"); status != http.StatusOK {
		t.Fatalf("before: HTTP %d: %s", status, body)
	}
	for _, b := range s.limits.buckets {
		b.SetLimit(0)
		b.SetBurst(0)
	}
	status, body := callerIdentity(s, d, "/")
	if status != http.StatusBadRequest || !strings.Contains(body, "<Code>Throttling</Code>") {
		t.Errorf("sts: HTTP %d: %s", status, body)
	}
	for name, c := range map[string]struct {
		target, amzTarget string
		says              []string
	}{
		"token": {"/token?aws_iam=t", "", []string{`"error":"slow_down"`, `"message"`}},
		"admin": {"/", "SWBExternalService.ListInstances", []string{`"__type":"ThrottlingException"`, "Rate exceeded"}},
	} {
		r := httptest.NewRequest(http.MethodPost, c.target, strings.NewReader("{}"))
		if c.amzTarget != "" {
			r.Header.Set("X-Amz-Target", c.amzTarget)
		}
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if w.Code != http.StatusBadRequest || w.Header().Get("Retry-After") != "1" {
			t.Errorf("%s: HTTP %d, Retry-After %q", name, w.Code, w.Header().Get("Retry-After"))
		}
		for _, says := range c.says {
			if !strings.Contains(w.Body.String(), says) {
				t.Errorf("%s: %s lacks %s", name, w.Body, says)
			}
		}
	}
}

// TestLimitsForgetTheIdle: strangers cannot grow the memory without bound, and forgetting frees nobody from a limit.
func TestLimitsForgetTheIdle(t *testing.T) {
	now := time.Now()
	l := newLimits(Config{}, func() time.Time { return now })
	key := func(who string) bucketKey { return bucketKey{limit: l.address, who: who} }
	busy := l.bucket(key("busy"))
	busy.AllowN(now, 10)
	for i := range maxBuckets {
		l.bucket(key(fmt.Sprint("idle ", i)))
	}
	if len(l.buckets) > maxBuckets {
		t.Errorf("%d buckets", len(l.buckets))
	}
	if l.bucket(key("busy")) != busy {
		t.Error("a bucket in use was forgotten")
	}
}

// TestLimitsNeverGrow: while every bucket is in use, strangers share one.
func TestLimitsNeverGrow(t *testing.T) {
	now := time.Now()
	l := newLimits(Config{}, func() time.Time { return now })
	key := func(who string) bucketKey { return bucketKey{limit: l.address, who: who} }
	for i := range maxBuckets {
		l.bucket(key(fmt.Sprint("busy ", i))).AllowN(now, 10)
	}
	shared := l.bucket(key("stranger"))
	shared.AllowN(now, 10)
	if l.bucket(key("another")) != shared || l.held() > maxBuckets+1 {
		t.Errorf("%d buckets", l.held())
	}
	if app := l.bucket(bucketKey{limit: l.application, who: "another"}); app == shared || app.Burst() != l.application.burst {
		t.Error("an application shares a stranger's bucket")
	}
}

// TestPasswordsAreLimited: guessing through the sign-in form is slowed down by address, an IPv6 subscriber being one.
func TestPasswordsAreLimited(t *testing.T) {
	s := testServer(t, Config{Limits: "on"})
	post := func(address string) int {
		r := httptest.NewRequest(http.MethodPost, "/signin", strings.NewReader("username=x&password=y"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.RemoteAddr = address
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w.Code
	}
	for i := range s.limits.signIn.burst {
		if status := post(fmt.Sprintf("[2001:db8::%x]:1", i+1)); status == http.StatusTooManyRequests {
			t.Fatalf("request %d was refused", i)
		}
	}
	if status := post("[2001:db8::ffff]:1"); status != http.StatusTooManyRequests {
		t.Errorf("the next from the same subscriber: HTTP %d", status)
	}
	if status := post("[2001:db8:1::1]:1"); status == http.StatusTooManyRequests {
		t.Error("another subscriber was refused")
	}
}

// TestFloodsAreNotRecorded: strangers, whatever they send, can neither pass the limits nor fill the disk that the audit log is on.
func TestFloodsAreNotRecorded(t *testing.T) {
	s := testServer(t, Config{Limits: "on"})
	send := func(method, target string) (int, string) {
		r := httptest.NewRequest(method, target, strings.NewReader("x"))
		r.Host = strings.Repeat("h", 60000)
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	if status, _ := send(http.MethodGet, "/nope"); status != http.StatusNotFound {
		t.Fatalf("an unknown path: HTTP %d", status)
	}
	log, err := os.ReadFile(filepath.Join(s.config.Data, "audit.jsonl"))
	check(t, err)
	if bytes.Count(log, []byte(`"eventName":"UnknownOperation"`)) != 1 || len(log) > 4096 {
		t.Errorf("the event of one request takes %d bytes", len(log))
	}
	for _, b := range s.limits.buckets {
		b.SetLimit(0)
		b.SetBurst(0)
	}
	for _, target := range []string{"/nope", "/token?aws_iam=t", "/"} {
		if status, body := send(http.MethodPost, target); status != http.StatusBadRequest || !strings.Contains(body, "Rate exceeded") {
			t.Errorf("%s: HTTP %d %s", target, status, body)
		}
	}
	after, err := os.ReadFile(filepath.Join(s.config.Data, "audit.jsonl"))
	check(t, err)
	if len(after) != len(log) {
		t.Errorf("%d bytes were written of refused requests", len(after)-len(log))
	}
}

func TestLimitsOff(t *testing.T) {
	if s := testServer(t, Config{}); s.limits != nil {
		t.Error("development has limits unasked")
	}
	var l *limits
	if l.admit(nil) != nil || l.admitAddress(t.Context(), nil) != nil || l.admitApplication(t.Context(), "a") != nil {
		t.Error("no limits refuse")
	}
}

// TestLimitsOfAnApplication: an application gets what it may have, whoever speaks for it; who may not speak for it uses none of that up,
// signed or not, and each request counts once, however often its transaction runs.
func TestLimitsOfAnApplication(t *testing.T) {
	d := openDoor(t, func(c *Config) { c.Limits, c.LimitApplication = "on", 2 })
	clock := time.Now()
	d.limits.now = func() time.Time { return clock }
	analytics, data := d.declare(t, newIDP(t))
	ask := func(client string) reply {
		_, a := d.create(t, map[string]string{"clientId": client, "grantType": "refresh_token", "refreshToken": "aorX"})
		return a
	}
	body := `{"clientId":"` + analytics + `","grantType":"refresh_token","refreshToken":"aorX"}`
	for range 10 {
		stranger := d.request(t, "POST", tokenTarget, body, "Content-Type", "application/json")
		if a := d.send(t, stranger); a.code() != "MissingAuthenticationTokenException" {
			t.Fatalf("a stranger: %s", a.text)
		}
		if a := ask("arn:aws:sso::111122223333:application/none"); a.code() != "InvalidClientException" {
			t.Fatalf("an unknown client: %s", a.text)
		}
	}
	for n := range 4 {
		if a := ask(analytics); a.code() != "InvalidGrantException" {
			t.Errorf("request %d: %d %s", n, a.status, a.text)
		}
	}
	a := ask(analytics)
	if a.code() != "SlowDownException" || a.status != http.StatusBadRequest || a.header.Get("Retry-After") != "1" || !strings.Contains(a.text, `"error":"slow_down"`) {
		t.Errorf("the fifth: %d %s %s", a.status, a.header.Get("Retry-After"), a.text)
	}
	form := "token=aorX&client_id=" + url.QueryEscape(analytics)
	for _, path := range []string{"/oauth2/introspect", "/oauth2/revoke"} {
		r := d.signed(d.request(t, "POST", path, form, "Content-Type", "application/x-www-form-urlencoded"), "sso-oauth")
		if a := d.send(t, r); a.code() != "SlowDownException" {
			t.Errorf("%s: %d %s", path, a.status, a.text)
		}
	}
	if a := ask(data); a.code() == "SlowDownException" {
		t.Errorf("another application pays for it: %s", a.text)
	}
	events := d.events(t)
	notes, _ := events[len(events)-2]["additionalEventData"].(map[string]any)
	if notes["refusalReason"] != "rate limit: application" {
		t.Errorf("the event says %v", notes)
	}
	clock = clock.Add(time.Second)
	if a := ask(analytics); a.code() != "InvalidGrantException" {
		t.Errorf("a second later: %s", a.text)
	}
	if n := d.limits.application.refused.Load(); n != 3 {
		t.Errorf("%d refusals counted", n)
	}
}

// TestLimitSettings: each limit is as it is set.
func TestLimitSettings(t *testing.T) {
	l := newLimits(Config{LimitCaller: 1, LimitApplication: 2, LimitAddress: 3, LimitGlobal: 4, LimitSignIn: 5}, time.Now)
	for n, kind := range []*limit{l.caller, l.application, l.address, l.global, l.signIn} {
		burst := (n + 1) * burstSeconds
		if kind == l.signIn {
			burst = (n + 1) * signInBurstSeconds
		}
		if kind.rate != rate.Limit(n+1) || kind.burst != burst {
			t.Errorf("%s: %v, %d at once", kind.name, kind.rate, kind.burst)
		}
	}
	for _, c := range []Config{{LimitCaller: -1}, {LimitGlobal: maxLimit + 1}} {
		if _, err := c.withDefaults(); err == nil || !strings.Contains(err.Error(), "limit-") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// TestFloodOfAddresses: a flood of new addresses, while none is idle, does not make everybody be looked at for each of them.
func TestFloodOfAddresses(t *testing.T) {
	now := time.Now()
	l := newLimits(Config{}, func() time.Time { return now })
	for i := range maxBuckets {
		l.bucket(bucketKey{limit: l.address, who: fmt.Sprint(i)}).AllowN(now, 10)
	}
	l.bucket(bucketKey{limit: l.address, who: "stranger"})
	first := l.dropped
	now = now.Add(time.Second / 2)
	l.bucket(bucketKey{limit: l.address, who: "another"})
	if l.dropped != first {
		t.Error("everybody was looked at again within the second")
	}
	now = now.Add(time.Minute)
	l.bucket(bucketKey{limit: l.address, who: "later"})
	if l.held() > 10 {
		t.Errorf("%d buckets a minute later", l.held())
	}
}
