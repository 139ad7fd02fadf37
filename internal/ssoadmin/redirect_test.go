package ssoadmin

import (
	"net/url"
	"strings"
	"testing"
)

var goodRedirects = []string{
	"https://app.example/callback", "https://app.example", "https://app.example:8443/cb?tenant=a%2Fb&x=1", "https://xn--bcher-kva.example/",
	"https://192.0.2.1/cb", "https://[2001:db8::1]:8443/cb", "https://app.example/a%20b", "https://my_host.example/cb", "https://localhost/cb",
	"http://127.0.0.1/cb", "http://127.0.0.1", "http://127.0.0.1:8080/cb", "http://[::1]:8080/cb", "http://[::1]/cb", "http://localhost:3000/cb",
	"com.example.app:/callback", "com.example.app://callback", "com.example-corp.app:/cb?x=y",
}

var badRedirects = []string{
	"", " ", "callback", "/callback", "//app.example/cb", "?x", "https:", "https:/app.example/cb", "https:///cb", "https://:443/cb", "https:app.example",
	"https://app.example/cb#", "https://app.example/cb#f", "https://good.example@evil.example/", "https://good.example:x@evil.example/", "https://@app.example/",
	"javascript:alert(1)", "javascript://app.example/%0aalert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "blob:https://a/b", "about:blank",
	"http://app.example/cb", "http://127.0.0.1.evil.example/cb", "http://127.0.0.2/cb", "http://0.0.0.0/cb", "http://localhost.evil.example/cb", "http://[::2]/cb",
	"http://2130706433/cb", "http://[::ffff:127.0.0.1]/cb", "http://127.1/cb", "HTTP://127.0.0.1/cb", "HTTPS://app.example/cb", "ftp://app.example/cb", "myapp:/cb", "myapp://cb",
	"https://*.example/cb", "https://app.example/*", "https://app.example/cb?x=*", `https://app.example\@evil.example/`, `https:\\evil.example`, "https://app.example/a b",
	"https://app.example/\t", "https://app.example/\n", "https://app.example/\x00", "https://app.example/\x7f", "https://bücher.example/", "https://app.example/ü",
	"https://app.example/../cb", "https://app.example/a/./b", "https://app.example/%2e%2e/cb", "https://app.example/%2E/cb", "https://app.example/a%2fb", "https://app.example/a%5Cb",
	"https://app.example/%0d%0aSet-Cookie:x", "https://app.example/%00", "https://app.example/%zz", "https://app.example/?%zz", "https://app.example:0/", "https://app.example:/cb",
	"https://app.example:65536/", "https://app.example:080/", "https://app.example:x/", "https://app..example/", "https://-app.example/", "https://app%2eexample/",
	"https://app.example/<script>", "https://app.example/\"", "com.example.app:callback", "com.example.app:", "com..example:/cb", ".com:/cb", "https://app.example/" + strings.Repeat("a", 2048),
	"https://app.example//evil.example", "https://[fe80::1%25eth0]/cb", "https://[app.example]/cb", "https://[::1]x/cb",
}

func TestValidateRedirectURI(t *testing.T) {
	for _, uri := range goodRedirects {
		if err := ValidateRedirectURI(uri); err != nil {
			t.Errorf("%q is refused: %v", uri, err)
		}
	}
	for _, uri := range badRedirects {
		if err := ValidateRedirectURI(uri); err == nil {
			t.Errorf("%q is accepted", uri)
		}
	}
}

func TestRedirectURIMatches(t *testing.T) {
	for _, c := range []struct {
		registered, requested string
		want                  bool
	}{
		{"https://app.example/cb", "https://app.example/cb", true},
		{"https://app.example/cb", "https://app.example/CB", false},
		{"https://app.example/cb", "https://APP.example/cb", false},
		{"https://app.example/cb", "https://app.example/cb/", false},
		{"https://app.example/cb", "https://app.example:443/cb", false},
		{"https://app.example/cb", "https://app.example/cb?x=1", false},
		{"https://app.example/cb", "https://app.example/cb#f", false},
		{"https://app.example/cb", "https://app.example.evil.example/cb", false},
		{"https://app.example/cb", "https://app.example/%63b", false},
		{"http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", true},
		{"http://127.0.0.1:80/cb", "http://127.0.0.1:51004/cb", true},
		{"http://127.0.0.1:80/cb", "http://127.0.0.1/cb", true},
		{"http://127.0.0.1", "http://127.0.0.1:51004", true},
		{"http://127.0.0.1?a=b", "http://127.0.0.1:1?a=b", true},
		{"http://[::1]/cb", "http://[::1]:51004/cb", true},
		{"http://127.0.0.1/cb", "http://127.0.0.1:51004/CB", false},
		{"http://127.0.0.1/cb", "http://127.0.0.1:51004/cb?x=1", false},
		{"http://127.0.0.1/cb?x=1", "http://127.0.0.1:51004/cb", false},
		{"http://127.0.0.1/cb?x=1", "http://127.0.0.1:51004/cb?x=2", false},
		{"http://127.0.0.1/cb", "http://127.0.0.1:51004/cb#f", false},
		{"http://127.0.0.1/cb", "http://[::1]:51004/cb", false},
		{"http://127.0.0.1/cb", "http://localhost:51004/cb", false},
		{"http://localhost/cb", "http://localhost:51004/cb", false},
		{"http://localhost/cb", "http://127.0.0.1/cb", false},
		{"http://127.0.0.1/cb", "https://127.0.0.1:51004/cb", false},
		{"https://127.0.0.1/cb", "https://127.0.0.1:51004/cb", false},
		{"http://127.0.0.1/cb", "http://127.0.0.1:0/cb", false},
		{"http://127.0.0.1/cb", "http://127.0.0.1:99999/cb", false},
		{"http://127.0.0.1/cb", "http://127.0.0.1:/cb", false},
		{"http://127.0.0.1/cb", "http://127.0.0.1:1@evil.example/cb", false},
		{"http://127.0.0.1/cb", "http://127.0.0.1.evil.example/cb", false},
		{"http://127.0.0.1", "http://127.0.0.1.evil.example", false},
		{"http://127.0.0.1", "http://127.0.0.1@evil.example", false},
		{"com.example.app:/cb", "com.example.app:/cb", true},
		{"com.example.app:/cb", "com.example.app://cb", false},
		{"", "https://app.example", false},
	} {
		if got := RedirectURIMatches(c.registered, c.requested); got != c.want {
			t.Errorf("RedirectURIMatches(%q, %q) = %v", c.registered, c.requested, got)
		}
	}
}

// FuzzRedirectURI: what is accepted is what a URI parser and a browser take it for, and what matches an accepted URI
// is acceptable itself and leads to the same place.
func FuzzRedirectURI(f *testing.F) {
	for _, uri := range append(goodRedirects, badRedirects...) {
		f.Add(uri, "http://127.0.0.1:8080/cb")
		f.Add("http://127.0.0.1/cb", uri)
	}
	f.Fuzz(func(t *testing.T, registered, requested string) {
		if !RedirectURIMatches(registered, registered) {
			t.Errorf("%q does not match itself", registered)
		}
		if ValidateRedirectURI(registered) != nil {
			return
		}
		u, err := url.Parse(registered)
		if err != nil || u.Scheme == "" || u.User != nil || u.Fragment != "" || !u.IsAbs() {
			t.Errorf("%q is accepted but is %+v, %v", registered, u, err)
		}
		if u.Scheme == "http" && u.Hostname() != "127.0.0.1" && u.Hostname() != "::1" && u.Hostname() != "localhost" {
			t.Errorf("%q is accepted: http to %s", registered, u.Host)
		}
		if u.Scheme != "http" && u.Scheme != "https" && !strings.Contains(u.Scheme, ".") {
			t.Errorf("%q is accepted: scheme %s", registered, u.Scheme)
		}
		if strings.ContainsAny(registered, "*\\# \t\r\n") {
			t.Errorf("%q is accepted", registered)
		}
		if !RedirectURIMatches(registered, requested) {
			return
		}
		v, err := url.Parse(requested)
		if ValidateRedirectURI(requested) != nil || err != nil {
			t.Fatalf("%q matches %q but is not acceptable", requested, registered)
		}
		if u.Scheme != v.Scheme || u.Hostname() != v.Hostname() || u.EscapedPath() != v.EscapedPath() || u.RawQuery != v.RawQuery {
			t.Errorf("%q matches %q", requested, registered)
		}
		if u.Port() != v.Port() && (u.Scheme != "http" || u.Hostname() == "localhost") {
			t.Errorf("%q matches %q with another port", requested, registered)
		}
	})
}
