package web

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/oidc"
)

var storyFolder = flag.String("stories", "", "write every page into this folder, to be looked at in a browser")

// stories are all pages with prepared data, by name.
func stories() map[string]rendered {
	form := func(status int, user, alert string) signInPage {
		return signInPage{
			page: page{"sign-in", status, "Sign in"}, Action: "/signin", Request: "response_type=code&client_id=x", Ticket: "k.1.m",
			Application: "analytics", Destination: "analytics.example.com", UserName: user, Alert: alert,
		}
	}
	long := form(http.StatusOK, strings.Repeat("a-very-long-user-name.", 6), "")
	long.Application, long.Destination = strings.Repeat("Quarterly<b> & \"Reports\" ", 4), strings.Repeat("long.", 20)+"example.com"
	return map[string]rendered{
		"sign-in": form(http.StatusOK, "", ""), "sign-in-hint": form(http.StatusOK, "alice@example.com", ""),
		"sign-in-failed": form(http.StatusUnauthorized, "alice", signInFailed), "sign-in-expired": form(http.StatusBadRequest, "alice", signInExpired),
		"sign-in-long": long, "sign-out": newSignOutPage("/signout", identitystore.User{UserName: "alice"}, "k.1.m"),
		"refused-request": refusedRequest(&oidc.AuthorizeError{Code: "invalid_request", Description: "redirect_uri is not one of the application's"}),
		"start":           startPage, "signed-out": signedOut, "not-found": notFound, "wrong-method": wrongMethod, "foreign-form": foreignForm,
		"forged-form": forgedForm, "bad-form": badForm, "not-a-form": notAForm, "form-too-large": formTooLarge, "busy": busy, "broken": broken,
	}
}

func TestPages(t *testing.T) {
	s := (&Server{Issuer: httpsIssuer, Log: slog.New(slog.DiscardHandler)}).site()
	for name, p := range stories() {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			s.setHeaders(w.Header())
			s.render(w, p)
			checkHeaders(t, w.Result(), strings.Contains(w.Body.String(), "<form"))
			if w.Code != p.status() || w.Code == 0 || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
				t.Errorf("%d %s", w.Code, w.Header().Get("Content-Type"))
			}
			checkStyle(t, w.Header().Get("Content-Security-Policy"), w.Body.String())
			checkMarkup(t, w.Body.String())
			if *storyFolder != "" {
				must(t, os.WriteFile(filepath.Join(*storyFolder, name+".html"), w.Body.Bytes(), 0o644))
			}
		})
	}
}

// checkStyle: the policy lets exactly the page's own style sheet through.
func checkStyle(t *testing.T, policy, text string) {
	t.Helper()
	_, rest, _ := strings.Cut(text, "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	if hash := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; style == "" || !strings.Contains(policy, hash) {
		t.Errorf("the policy %q does not allow the style sheet %s", policy, hash)
	}
	if strings.Contains(style, "url(") || strings.Contains(style, "@import") {
		t.Error("the style sheet loads something")
	}
}

// checkMarkup: elements are balanced, nothing runs or is loaded, and whoever cannot see the page can still use it.
func checkMarkup(t *testing.T, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	count := map[string]int{}
	var ids, labels, inputs []string
	for {
		x, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		e, ok := x.(xml.StartElement)
		if !ok {
			continue
		}
		count[e.Name.Local]++
		a := map[string]string{}
		for _, at := range e.Attr {
			a[at.Name.Local] = at.Value
			checkAttribute(t, e.Name.Local, at)
		}
		if a["id"] != "" {
			ids = append(ids, a["id"])
		}
		switch {
		case e.Name.Local == "label":
			labels = append(labels, a["for"])
		case e.Name.Local == "input" && a["type"] != "hidden":
			inputs = append(inputs, a["id"])
		}
		if ref := a["aria-describedby"]; ref != "" && !slices.Contains(ids, ref) {
			t.Errorf("nothing has the id %s", ref)
		}
	}
	for _, one := range []string{"html", "head", "title", "main", "h1"} {
		if count[one] != 1 {
			t.Errorf("%d elements %s", count[one], one)
		}
	}
	if !slices.Equal(labels, inputs) || len(ids) != len(slices.Compact(slices.Sorted(slices.Values(ids)))) {
		t.Errorf("labels for %v, inputs %v, ids %v", labels, inputs, ids)
	}
	for _, never := range []string{"script", "iframe", "img", "object", "base"} {
		if count[never] != 0 {
			t.Errorf("the page has the element %s", never)
		}
	}
	if !strings.HasPrefix(text, "<!DOCTYPE html>\n<html lang=\"en\">") || !strings.Contains(text, `name="viewport"`) {
		t.Error("the page lacks doctype, language or viewport")
	}
}

func checkAttribute(t *testing.T, element string, a xml.Attr) {
	t.Helper()
	if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "style" {
		t.Errorf("%s has the attribute %s, which the policy blocks", element, a.Name.Local)
	}
	if (a.Name.Local == "href" || a.Name.Local == "src") && !strings.HasPrefix(a.Value, "data:image/svg+xml,") {
		t.Errorf("%s loads %s", element, a.Value)
	}
}

func TestFormDestination(t *testing.T) {
	for uri, want := range map[string]string{
		"https://app.example/callback": "https://app.example", "https://app.example:8443/cb?x=1": "https://app.example:8443",
		"http://127.0.0.1:51004/cb": "http://127.0.0.1:51004", "http://localhost:3000": "http://localhost:3000",
		"http://[::1]:8080/cb": "http:", "https://[2001:db8::1]/cb": "https:", "https://my_host.example/cb": "https:",
		"com.example.app:/callback": "com.example.app:", "": "", "/x": "",
	} {
		if got := formDestination(uri); got != want {
			t.Errorf("formDestination(%q) = %q, want %q", uri, got, want)
		}
	}
}
