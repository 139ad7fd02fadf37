package oidc

import (
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"testing"
)

// together sends the same request many times at once, each signed beforehand, and counts the answers by status.
func (w *world) together(n int, in params) (granted []answer, refused int) {
	w.t.Helper()
	body, err := json.Marshal(with(in, params{"clientId": w.presentedBy}))
	must(w.t, err)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: n, Proxy: nil}}
	defer client.CloseIdleConnections()
	var mu sync.Mutex
	var done sync.WaitGroup
	start := make(chan struct{})
	for range n {
		r := w.signed(w.t, w.caller, "/token?aws_iam=t", "application/json", body)
		done.Go(func() {
			<-start
			res, err := client.Do(r)
			if err != nil {
				w.t.Error(err)
				return
			}
			defer res.Body.Close()
			text, _ := io.ReadAll(res.Body)
			a := answer{status: res.StatusCode, header: res.Header, text: string(text), body: params{}}
			mu.Lock()
			defer mu.Unlock()
			switch _ = json.Unmarshal(text, &a.body); {
			case a.status == 200:
				granted = append(granted, a)
			case a.status == 400 && a.header.Get("x-amzn-ErrorType") == "InvalidGrantException":
				refused++
				w.nothingNoted(a)
			default:
				w.t.Errorf("an answer is %d %s", a.status, a.text)
			}
		})
	}
	close(start)
	done.Wait()
	return granted, refused
}

// nothingNoted: the event of a refusal does not tell of tokens that an attempt before a conflict would have issued.
func (w *world) nothingNoted(a answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e, ok := w.events[a.header.Get("x-amzn-RequestId")]
	if id := e.notes["identitycenter:CredentialId"]; !ok || id != nil {
		w.t.Errorf("the event of a refusal (%v) names the token %v", e.err, id)
	}
}

const parallel = 100

// TestCodeRace: of a hundred uses at once one is granted, and the others end it (A10).
func TestCodeRace(t *testing.T) {
	w := newHousedWorld(t)
	granted, refused := w.together(parallel, w.codeFor(w.client))
	if len(granted) != 1 || refused != parallel-1 {
		t.Fatalf("%d granted, %d refused", len(granted), refused)
	}
	w.dead(granted[0])
}

// TestAssertionRace: of a hundred uses at once one is granted, and it lives (E03).
func TestAssertionRace(t *testing.T) {
	w := newHousedWorld(t)
	granted, refused := w.together(parallel, w.assertion())
	if len(granted) != 1 || refused != parallel-1 {
		t.Fatalf("%d granted, %d refused", len(granted), refused)
	}
	w.refresh(granted[0])
}

// TestRefreshRace: inside the window all get one and the same successor (D04).
func TestRefreshRace(t *testing.T) {
	w := newHousedWorld(t)
	first := w.family()
	granted, refused := w.together(parallel, refreshing(first))
	if len(granted) != parallel || refused != 0 {
		t.Fatalf("%d granted, %d refused", len(granted), refused)
	}
	access := map[string]bool{}
	for _, a := range granted {
		if a.str("refreshToken") != granted[0].str("refreshToken") || a.str("refreshToken") == first.str("refreshToken") {
			t.Fatal("there are two successors")
		}
		access[a.str("accessToken")] = true
	}
	if len(access) != parallel {
		t.Errorf("%d access tokens for %d answers", len(access), parallel)
	}
	w.refresh(granted[0])
}

// TestStrictRefreshRace: without a window one is granted, and the others end the family.
func TestStrictRefreshRace(t *testing.T) {
	w := newHousedWorld(t)
	w.RefreshGrace = 0
	granted, refused := w.together(parallel, refreshing(w.family()))
	if len(granted) != 1 || refused != parallel-1 {
		t.Fatalf("%d granted, %d refused", len(granted), refused)
	}
	w.dead(granted[0])
}

// TestRefreshAgainstRevoke: once revocation is acknowledged nothing minted before or after is in force (D06).
func TestRefreshAgainstRevoke(t *testing.T) {
	w := newHousedWorld(t)
	for range 5 {
		first := w.family()
		var granted []answer
		var done sync.WaitGroup
		done.Go(func() { granted, _ = w.together(20, refreshing(first)) })
		w.revoke(w.client, first.str("accessToken"))
		done.Wait()
		w.dead(append(granted, first)...)
	}
}

// TestExchangeRace: a subject may be exchanged at will, and all of it dies with the subject.
func TestExchangeRace(t *testing.T) {
	w := newHousedWorld(t)
	subject := w.subjectOf(w.front)
	granted, refused := w.together(20, with(exchanging(subject), wantsRefresh))
	if len(granted) != 20 || refused != 0 {
		t.Fatalf("%d granted, %d refused", len(granted), refused)
	}
	w.revoke(w.front, subject.str("accessToken"))
	w.dead(granted...)
}
