package wire

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// gone is a client that takes no answer.
type gone struct{ discard }

func (gone) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestRoomIsWiped: nothing of a request is left in the memory that the next one gets.
func TestRoomIsWiped(t *testing.T) {
	h := newHouse(t)
	var calls []*Call
	h.Finish = func(_ context.Context, c *Call) error {
		if len(c.Body) == 0 {
			t.Error("the body is gone before the event is written")
		}
		calls = append(calls, c)
		return nil
	}
	server := h.Handler().(*handler)
	for _, w := range []http.ResponseWriter{discard{http.Header{}}, gone{discard{http.Header{}}}} {
		x := &exchange{call: &Call{Request: httptest.NewRequest("POST", "/token?aws_iam=t", strings.NewReader(benchBody))}, room: new(room)}
		m := x.room
		if err := errors.Join(server.receive(t.Context(), x), x.decode()); err != nil {
			t.Fatal(err)
		}
		if m.out = append(m.out, "secret"...); x.write(w) == nil {
			server.leave(x)
		}
		wiped := strings.Trim(string(m.in[:cap(m.in)])+string(m.out[:cap(m.out)]), "\x00") == "" && m.trail == [8]step{}
		if _, broken := w.(gone); wiped == broken {
			t.Errorf("wiped: %v, with a client that took no answer: %v", wiped, broken)
		}
	}
	r := httptest.NewRequest("POST", "/token?aws_iam=t", strings.NewReader(benchBody))
	server.ServeHTTP(httptest.NewRecorder(), r)
	if len(calls) != 1 || calls[0].Body != nil {
		t.Errorf("%d calls; what is left can be read by whoever kept the call", len(calls))
	}
}

// TestRoomsAreApart: requests at the same time do not see each other's bodies or answers.
func TestRoomsAreApart(t *testing.T) {
	echo := Op(Operation{Name: "Echo", Method: "POST", Path: "/echo", Auth: None}, func(_ context.Context, in *tokenInput) (*tokenOutput, error) {
		return &tokenOutput{AccessToken: in.Code}, nil
	})
	server := &Server{
		Services: []*Service{{Name: "echo", Operations: []Operation{echo}}},
		Finish: func(_ context.Context, c *Call) error {
			if !bytes.Contains(c.Body, []byte(*c.Input.(*tokenInput).Code)) {
				t.Errorf("%s came in %s", *c.Input.(*tokenInput).Code, c.Body)
			}
			return nil
		},
	}
	handler := server.Handler()
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			code := strings.Repeat(string(rune('a'+i)), 1+100*i)
			for range 50 {
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, httptest.NewRequest("POST", "/echo", strings.NewReader(`{"clientId":"a","grantType":"b","code":"`+code+`"}`)))
				if want := `{"accessToken":"` + code + `"}`; w.Body.String() != want {
					t.Errorf("%s was answered with %s", want, w.Body)
				}
			}
		})
	}
	group.Wait()
}
