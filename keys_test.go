package symbolon

import (
	"bytes"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// TestKeysChangeUnderLoad: while every kind of key is replaced at once, over and over, and the master key is wrapped anew, no request
// fails that rests on an older key: refreshes, exchanges, introspection, role credentials, a list being paged (R5).
func TestKeysChangeUnderLoad(t *testing.T) {
	d := openDoor(t, nil)
	i := newIDP(t)
	analytics, data := d.declare(t, i)
	d.allGrants(t)
	stop := make(chan struct{})
	var served atomic.Int64
	var load sync.WaitGroup
	work := func(once func() bool) {
		load.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if !once() {
					return
				}
				served.Add(1)
			}
		})
	}
	for n := range 2 {
		out := d.granted(t, byAssertion(analytics, i.assertion(t, string(rune('a'+n)))))
		work(func() bool {
			var a reply
			if out, a = d.create(t, byRefresh(analytics, out["refreshToken"].(string))); a.status != 200 {
				t.Errorf("refresh: %d %s", a.status, a.text)
				return false
			}
			if _, a = d.create(t, byExchange(data, out["accessToken"].(string))); a.status != 200 {
				t.Errorf("exchange: %d %s", a.status, a.text)
				return false
			}
			keys, a := d.assume(t, contextOf(out))
			if a.status != 200 || d.whoami(t, keys).status != 200 {
				t.Errorf("role credentials: %d %s", a.status, a.text)
				return false
			}
			return true
		})
	}
	kept := d.granted(t, byAssertion(analytics, i.assertion(t, "kept")))["accessToken"].(string)
	keys, _ := d.assume(t, contextOf(d.granted(t, byAssertion(analytics, i.assertion(t, "role")))))
	next := d.usersAfter(t, "")
	work(func() bool {
		a := d.send(t, d.signed(d.request(t, "POST", "/oauth2/introspect", url.Values{"client_id": {analytics}, "token": {kept}}.Encode(),
			"Content-Type", "application/x-www-form-urlencoded"), "sso-oauth"))
		if !bytes.Contains([]byte(a.text), []byte(`"active":true`)) || d.whoami(t, keys).status != 200 || d.usersAfter(t, next) == "" {
			t.Errorf("what was issued at first: %d %s", a.status, a.text)
			return false
		}
		return true
	})
	for round := range 8 {
		if _, err := d.Keys(t.Context(), KeyOrder{Verb: RotateKeys, Now: round%2 == 0}); err != nil {
			t.Error(err)
		}
		for _, o := range []KeyOrder{{Verb: Rewrap, NewMasterKey: bytes.Repeat([]byte{byte(round)}, 32)}, {Verb: CancelRewrap}} {
			if _, err := d.Keys(t.Context(), o); err != nil {
				t.Error(err)
			}
		}
	}
	close(stop)
	load.Wait()
	t.Logf("%d rounds of requests", served.Load())
	if served.Load() < 10 {
		t.Error("there was no load")
	}
}

// usersAfter lists users, one a page, and returns the token of the page after, which the directory has.
func (d *door) usersAfter(t testing.TB, next string) string {
	t.Helper()
	body := `{"IdentityStoreId":"` + d.IdentityStoreID + `","MaxResults":1}`
	if next != "" {
		body = `{"IdentityStoreId":"` + d.IdentityStoreID + `","MaxResults":1,"NextToken":"` + next + `"}`
	}
	a := d.send(t, d.signed(d.request(t, "POST", "/", body, "Content-Type", "application/x-amz-json-1.1", "X-Amz-Target", "AWSIdentityStore.ListUsers"), "identitystore"))
	if a.status != 200 {
		t.Errorf("the list: %d %s", a.status, a.text)
		return ""
	}
	if m := secretJSON.FindStringSubmatch(a.text); m != nil {
		return m[2]
	}
	return "the end"
}
