package token

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Limits of one fetch from an issuer: what a stranger's server may cost us.
const (
	fetchTimeout  = 2 * time.Second // the whole: names, dialling, redirects, body
	maxBody       = 100 << 10
	maxRedirects  = 2
	maxHeaderSize = 16 << 10
)

// fetchError is a failed fetch: what the client may see, and the cause for the log. The cause is kept from clients since
// it would tell strangers which inner addresses answer.
type fetchError struct {
	reason string
	cause  error
}

func (e *fetchError) Error() string { return e.reason }
func (e *fetchError) Unwrap() error { return e.cause }

// detail is the reason with its cause, for the log.
func (e *fetchError) detail() string {
	if e.cause == nil {
		return e.reason
	}
	return e.reason + ": " + e.cause.Error()
}

// client makes an HTTP client that follows nothing, keeps nothing and asks no proxy. With public it dials public
// addresses alone.
func (i *Issuers) client(public bool) *http.Client {
	dialer := &net.Dialer{Timeout: fetchTimeout, Resolver: i.resolver}
	if public {
		dialer.Control = controlPublic
	}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  nil,
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: i.rootCAs},
			TLSHandshakeTimeout:    fetchTimeout,
			MaxResponseHeaderBytes: maxHeaderSize,
			DisableKeepAlives:      true,
			DisableCompression:     true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// judge says whether a URL may be fetched, and whether the dialled address must be a public one. Exempt are all in
// insecure mode, and the allowed origins.
func (i *Issuers) judge(u *url.URL) (public bool, err error) {
	if i.AllowInsecure {
		return false, nil
	}
	for _, allowed := range i.AllowedOrigins {
		if a, err := parseIssuerURL(allowed); err == nil && origin(a) == origin(u) {
			return false, nil
		}
	}
	if u.Scheme != "https" {
		return true, errors.New("the URL is not https and its origin is not an allowed one")
	}
	return true, nil
}

// fetch gets one document. Redirects are followed by hand, so that each hop is judged like the first; they may not leave
// the host. The content type is not judged: issuers send many.
func (i *Issuers) fetch(ctx context.Context, what, raw string) (body []byte, header http.Header, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	u, err := parseFetchURL(raw)
	if err != nil {
		return nil, nil, &fetchError{reason: "the URL of " + what + " cannot be used: " + err.Error()}
	}
	for redirects := 0; ; redirects++ {
		public, err := i.judge(u)
		if err != nil {
			return nil, nil, &fetchError{reason: "the URL of " + what + " cannot be used: " + err.Error()}
		}
		response, err := i.get(ctx, u, public)
		if err != nil {
			return nil, nil, unreachable(what, err)
		}
		if next := response.Header.Get("Location"); response.StatusCode/100 == 3 && next != "" {
			response.Body.Close()
			if u, err = redirectTarget(u, next, redirects); err != nil {
				return nil, nil, &fetchError{reason: what + " " + err.Error()}
			}
			continue
		}
		body, err := readBody(what, response)
		return body, response.Header, err
	}
}

func unreachable(what string, err error) error {
	if errors.Is(err, errNotPublic) {
		return &fetchError{what + " is at an address that is not a public one", err}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &fetchError{what + " did not come within " + fetchTimeout.String(), err}
	}
	return &fetchError{what + " cannot be fetched", err}
}

func (i *Issuers) get(ctx context.Context, u *url.URL, public bool) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "symbolon")
	return i.client(public).Do(request)
}

// redirectTarget is where a redirect leads: at most two, never to another host.
func redirectTarget(from *url.URL, location string, redirects int) (*url.URL, error) {
	if redirects >= maxRedirects {
		return nil, fmt.Errorf("is behind more than %d redirects", maxRedirects)
	}
	relative, err := url.Parse(location)
	if err != nil {
		return nil, errors.New("redirects to what is not a URL")
	}
	to, err := parseFetchURL(from.ResolveReference(relative).String())
	if err != nil {
		return nil, fmt.Errorf("redirects to what cannot be used: %w", err)
	}
	if !strings.EqualFold(to.Hostname(), from.Hostname()) {
		return nil, errors.New("redirects to another host")
	}
	return to, nil
}

func readBody(what string, response *http.Response) ([]byte, error) {
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, &fetchError{reason: fmt.Sprintf("%s was answered with status %d", what, response.StatusCode)}
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return nil, unreachable(what, err)
	}
	if len(body) > maxBody {
		return nil, &fetchError{reason: fmt.Sprintf("%s is larger than %d KiB", what, maxBody>>10)}
	}
	return body, nil
}
