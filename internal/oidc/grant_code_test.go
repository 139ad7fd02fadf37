package oidc

import (
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/store"
)

// with is evidence with other members; a nil value removes one.
func with(evidence params, changes params) params {
	out := maps.Clone(evidence)
	for name, value := range changes {
		out[name] = value
		if value == nil {
			delete(out, name)
		}
	}
	return out
}

// TestCodeOnce: the second use is refused and ends what the first issued, with all that descends from it (A10).
func TestCodeOnce(t *testing.T) {
	w := newHousedWorld(t)
	f := w.as(w.front)
	code := f.codeFor(w.front)
	issued := f.present(code).granted(t)
	refreshed := f.refresh(issued)
	exchanged := w.present(exchanging(refreshed), wantsRefresh).granted(t)
	bystander := f.present(f.codeFor(w.front)).granted(t) // of the same sign-in session
	f.present(code).refused(t, "InvalidGrantException", "a second time")
	for i, a := range []answer{issued, refreshed} {
		if f.active(w.front, a.str("accessToken")) {
			t.Errorf("access token %d is still active", i)
		}
		f.present(refreshing(a)).refused(t, "InvalidGrantException", "the session has ended")
	}
	w.dead(exchanged)
	if !f.active(w.front, bystander.str("accessToken")) {
		t.Error("another code's tokens died")
	}
	f.refresh(bystander)
}

// TestCodeReuseLongAfter: a code is remembered as long as what it issued can live.
func TestCodeReuseLongAfter(t *testing.T) {
	w := newHousedWorld(t)
	code := w.codeFor(w.client)
	a := w.present(code).granted(t)
	for range 7 {
		w.advance(time.Hour)
		a = w.refresh(a)
	}
	w.present(code).refused(t, "InvalidGrantException", "a second time")
	w.dead(a)
}

// TestCodeBindings: a code is bound to client, redirect URI, verifier and time (A07, A09, A12). A failed attempt does not burn it
// for its own client (A11).
func TestCodeBindings(t *testing.T) {
	w := newHousedWorld(t)
	code := w.codeFor(w.client)
	for _, c := range []struct {
		name    string
		changes params
		reason  string
	}{
		{"no verifier", params{"codeVerifier": nil}, "codeVerifier is missing"},
		{"wrong verifier", params{"codeVerifier": strings.Repeat("a", 43)}, "does not match"},
		{"verifier in another case", params{"codeVerifier": strings.ToUpper(verifier)}, "does not match"},
		{"short verifier", params{"codeVerifier": verifier[:42]}, "43 to 128"},
		{"long verifier", params{"codeVerifier": strings.Repeat("a", 129)}, "43 to 128"},
		{"verifier with a blank", params{"codeVerifier": verifier + " "}, "43 to 128"},
		{"the challenge as verifier", params{"codeVerifier": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "does not match"},
		{"another of the grant's URIs", params{"redirectUri": "https://app.example/second"}, "differs"},
		{"a slash more", params{"redirectUri": redirectURI + "/"}, "differs"},
		{"another case", params{"redirectUri": "https://app.example/CALLBACK"}, "differs"},
		{"a foreign URI", params{"redirectUri": "https://evil.example/callback"}, "differs"},
		{"another code", params{"code": strings.Repeat("A", 52)}, "invalid or has expired"},
		{"the code in another case", params{"code": strings.ToLower(code["code"].(string))}, "invalid or has expired"},
		{"a truncated code", params{"code": code["code"].(string)[:51]}, "invalid or has expired"},
	} {
		t.Run(c.name, func(t *testing.T) { w.present(with(code, c.changes)).refused(t, "InvalidGrantException", c.reason) })
	}
	w.as(w.other).present(code).refused(t, "InvalidGrantException", "was issued to")
	w.present(code).granted(t)
}

// TestCodeExpiry: a code lives as long as the setting says, ten minutes at the longest; client × expiry in full (A12).
func TestCodeExpiry(t *testing.T) {
	w := newHousedWorld(t)
	for _, c := range []struct {
		ttl, age time.Duration
		good     bool
	}{
		{time.Minute, 58 * time.Second, true}, {time.Minute, 61 * time.Second, false},
		{10 * time.Minute, 9 * time.Minute, true}, {10 * time.Minute, 10*time.Minute + time.Second, false},
		{time.Second, 3 * time.Second, false},
	} {
		w.CodeTTL = c.ttl
		code := w.codeFor(w.client)
		w.advance(c.age)
		w.as(w.other).present(code).refused(t, "InvalidGrantException", "invalid or has expired")
		if a := w.present(code); c.good {
			a.granted(t)
		} else {
			a.refused(t, "InvalidGrantException", "expired")
		}
	}
}

// TestCodeAtRest: the store has a code's hash and never the code (B06).
func TestCodeAtRest(t *testing.T) {
	w := newHousedWorld(t)
	code := w.codeFor(w.client)["code"].(string)
	w.change(func(tx *store.Tx) error {
		c, err := codes.Get(tx, codeHash(code))
		if err != nil {
			return err
		}
		if strings.Contains(c.Hash, code) || len(code) < 50 {
			t.Errorf("the code %q stands in its row as %q", code, c.Hash)
		}
		return nil
	})
}

// request is a good authorization request of the world's client, with changes; an empty value removes a parameter.
func (w *world) request(changes ...string) url.Values {
	q := url.Values{
		"response_type": {"code"}, "client_id": {w.client.ARN}, "redirect_uri": {redirectURI}, "state": {"xyz"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(changes); i += 2 {
		q.Set(changes[i], changes[i+1])
		if changes[i+1] == "" {
			q.Del(changes[i])
		}
	}
	return q
}

// TestAuthorizeRefusedOnPage: before client and redirect URI are known to be good nothing is redirected (A01–A04, A08).
func TestAuthorizeRefusedOnPage(t *testing.T) {
	w := newHousedWorld(t)
	refused := func(name string, q url.Values) {
		t.Helper()
		_, err := w.ParseAuthorize(t.Context(), q)
		if fault, ok := err.(*AuthorizeError); !ok || fault.RedirectTo != "" || fault.Code == "" || fault.Description == "" {
			t.Errorf("%s: %#v, want an error on our page", name, err)
		}
	}
	for _, uri := range []string{
		"https://app.example/CALLBACK", redirectURI + "/", redirectURI + "?a=b", redirectURI + "#f", "http://app.example/callback", "https://app.example:444/callback",
		"https://app.example:443/callback", "https://good@app.example/callback", `https://app.example\callback`, "https://app.example/%63allback", "https://app.example/x/../callback",
		"https://app.example/callback\n", "https://аpp.example/callback", "https://app.example.evil.example/callback", "//app.example/callback", "javascript:alert(1)",
		"http://127.0.0.1:8080/other", "http://127.0.0.1/loop?x=1", "http://localhost/loop", "http://127.0.0.1:99999/loop", "",
	} {
		refused("redirect_uri "+uri, w.request("redirect_uri", uri))
	}
	refused("unknown client", w.request("client_id", w.client.ARN+"x"))
	refused("no client", w.request("client_id", ""))
	twice := w.request()
	twice["client_id"] = []string{w.client.ARN, w.other.ARN}
	refused("client_id twice", twice)
	refused("a case variant", w.request("Client_Id", w.other.ARN))
	withoutGrants(w, "authorization_code")
	refused("no grant", w.request())
	withGrants(w, "authorization_code")
	enable(w, w.client, false)
	refused("disabled", w.request())
}

// TestAuthorizeRefusedByRedirect: the rest goes back to the client with error, state and iss (A05–A07).
func TestAuthorizeRefusedByRedirect(t *testing.T) {
	w := newHousedWorld(t)
	for _, c := range []struct{ name, value, code string }{
		{"response_type", "token", "unsupported_response_type"}, {"response_type", "id_token", "unsupported_response_type"},
		{"response_type", "code id_token", "unsupported_response_type"}, {"response_type", "", "invalid_request"},
		{"response_mode", "fragment", "invalid_request"}, {"response_mode", "form_post", "invalid_request"},
		{"code_challenge", "", "invalid_request"}, {"code_challenge_method", "plain", "invalid_request"}, {"code_challenge_method", "", "invalid_request"},
		{"code_challenge", strings.Repeat("a", 42), "invalid_request"}, {"code_challenge", strings.Repeat("~", 43), "invalid_request"},
		{"scope", "openid data:none", "invalid_scope"}, {"prompt", "none login", "invalid_request"}, {"max_age", "-1", "invalid_request"},
		{"max_age", "soon", "invalid_request"}, {"request", "e30.e30.", "request_not_supported"}, {"request_uri", "https://x.example", "request_uri_not_supported"},
	} {
		_, err := w.ParseAuthorize(t.Context(), w.request(c.name, c.value))
		fault, ok := err.(*AuthorizeError)
		if !ok || fault.Code != c.code {
			t.Errorf("%s=%q: %v, want %s", c.name, c.value, err, c.code)
			continue
		}
		u, err := url.Parse(fault.RedirectTo)
		must(t, err)
		q := u.Query()
		if u.Host != "app.example" || q.Get("error") != c.code || q.Get("state") != "xyz" || q.Get("iss") != w.url || q.Has("code") {
			t.Errorf("%s=%q goes to %s", c.name, c.value, fault.RedirectTo)
		}
	}
	for _, good := range []url.Values{
		w.request(), w.request("redirect_uri", "http://127.0.0.1:49152/loop"), w.request("scopes", "openid data:read"), w.request("prompt", "login", "max_age", "60"),
		w.request("unknown", "ignored"),
	} {
		if _, err := w.ParseAuthorize(t.Context(), good); err != nil {
			t.Errorf("%v: %v", good, err)
		}
	}
}

// TestNoCodeForStrangers: a user who may not use the application gets access_denied and no code, whatever its session.
func TestNoCodeForStrangers(t *testing.T) {
	w := newHousedWorld(t)
	a, err := w.ParseAuthorize(t.Context(), w.request())
	must(t, err)
	in := SignedIn{SessionID: "s", UserID: w.user, AuthTime: w.now(), EndsAt: w.now().Add(time.Hour)}
	denied := func(in SignedIn) {
		t.Helper()
		location, err := w.IssueCode(t.Context(), a, in)
		fault, ok := err.(*AuthorizeError)
		if !ok || location != "" {
			t.Fatalf("the browser goes to %q, %v", location, err)
		}
		u, _ := url.Parse(fault.RedirectTo)
		if u.Query().Get("error") != "access_denied" || u.Query().Has("code") || u.Query().Get("iss") != w.url {
			t.Errorf("the browser goes to %s", fault.RedirectTo)
		}
	}
	w.unassign(w.client, "USER", w.user)
	denied(in)
	w.assign(w.client, "USER", w.user)
	w.setUser(func(u *identitystore.User) { u.Enabled = false })
	denied(in)
	w.setUser(func(u *identitystore.User) { u.Enabled = true })
	in.UserID = w.newWorld(t).user
	denied(in)
	in.UserID = w.user
	endSession(w, in.SessionID)
	denied(in)
}
