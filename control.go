package symbolon

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// ErrNoServer says that no server runs on a data folder.
var ErrNoServer = errors.New("no server runs on this data folder")

// controlFile tells the operator's commands how to reach the server of a data folder: the address of its private listener, always on
// loopback, and a token that only the folder's owner can read.
type controlFile struct {
	Address string `json:"address"`
	Token   string `json:"token"`
}

const (
	controlName    = "control.json"
	maxControlBody = 16 << 20
)

// StartControl opens the private listener for operator calls, apart from the public one, and writes the folder's control file. stop
// closes it and removes the file.
func (s *Server) StartControl(folder string) (stop func() error, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	control := controlFile{Address: l.Addr().String(), Token: rand.Text()}
	text, err := json.Marshal(control)
	if err == nil {
		err = writeDurably(filepath.Join(folder, controlName), text)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /apply", s.controlApply)
	mux.HandleFunc("POST /backup", s.controlBackup)
	mux.HandleFunc("POST /doctor", s.controlDoctor)
	mux.HandleFunc("POST /mark", s.controlMark)
	mux.HandleFunc("POST /keys", s.controlKeys)
	public := http.NewServeMux()
	public.HandleFunc("GET /proof", control.prove)
	public.Handle("/", control.guard(mux))
	server := &http.Server{Handler: public, ReadHeaderTimeout: 5 * time.Second, ErrorLog: quietLog(s.config.Log)}
	go server.Serve(l) //nolint:errcheck // ends with stop
	return func() error {
		err := os.Remove(filepath.Join(folder, controlName))
		return errors.Join(err, server.Close())
	}, nil
}

// prove answers a challenge with what only the holder of the token can: the file may be left over from a server that was killed, and
// its port taken by a stranger, who must see neither the token nor what is to be applied.
func (c controlFile) prove(w http.ResponseWriter, r *http.Request) {
	controlAnswer(w, http.StatusOK, map[string]string{"proof": c.proof(r.URL.Query().Get("challenge"))})
}

func (c controlFile) proof(challenge string) string {
	mac := hmac.New(sha256.New, []byte(c.Token))
	mac.Write([]byte("symbolon control " + challenge))
	return hex.EncodeToString(mac.Sum(nil))
}

// check asks whoever listens at the address for the proof. Nobody there, or somebody else, is ErrNoServer.
func (c controlFile) check(ctx context.Context, client *http.Client) error {
	challenge := rand.Text()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.Address+"/proof?challenge="+challenge, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(r)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%w: %s is left over", ErrNoServer, controlName)
	}
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer struct {
		Proof string `json:"proof"`
	}
	err = json.NewDecoder(io.LimitReader(response.Body, 4096)).Decode(&answer)
	if err != nil || !hmac.Equal([]byte(answer.Proof), []byte(c.proof(challenge))) {
		return fmt.Errorf("%w: %s is left over, and another program has its port", ErrNoServer, controlName)
	}
	return nil
}

// guard lets only holders of the token through.
func (c controlFile) guard(next http.Handler) http.Handler {
	want := []byte("Bearer " + c.Token)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), want) != 1 {
			controlAnswer(w, http.StatusForbidden, map[string]string{"error": "the control token is wrong"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) controlApply(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxControlBody))
	if err != nil {
		controlAnswer(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	o, err := ParseOrganization("organization", text)
	if err != nil {
		controlAnswer(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	report, err := s.Apply(r.Context(), o)
	answer := applyAnswer{Report: report}
	status := http.StatusOK
	if err != nil {
		answer.Error, status = err.Error(), http.StatusBadRequest
	}
	controlAnswer(w, status, answer)
}

// applyAnswer is what POST /apply answers: a report, an error, or both.
type applyAnswer struct {
	*Report
	Error string `json:"error,omitempty"`
}

func controlAnswer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the client is gone: nothing to do
}

// ApplyThrough sends an organization file to the server that runs on the folder. The error wraps ErrNoServer when none does.
func ApplyThrough(ctx context.Context, folder string, text []byte) (*Report, error) {
	response, err := askServer(ctx, folder, "/apply", bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var answer applyAnswer
	if err := json.NewDecoder(io.LimitReader(response.Body, maxControlBody)).Decode(&answer); err != nil {
		return nil, fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return answer.Report, errors.New(answer.Error)
	}
	return answer.Report, nil
}

// askServer posts to the private listener of the server that runs on the folder. The error wraps ErrNoServer when none does. The
// caller closes the answer's body.
func askServer(ctx context.Context, folder, path string, body io.Reader) (*http.Response, error) {
	control, err := readControl(folder)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}
	if err := control.check(ctx, client); err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+control.Address+path, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+control.Token)
	return client.Do(r)
}

// controlError is the refusal that the server has sent.
func controlError(response *http.Response) error {
	var answer struct {
		Error string `json:"error"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxControlBody)).Decode(&answer); err != nil || answer.Error == "" {
		return fmt.Errorf("the server answers %s", response.Status)
	}
	return errors.New(answer.Error)
}

func readControl(folder string) (controlFile, error) {
	var c controlFile
	text, err := os.ReadFile(filepath.Join(folder, controlName))
	if errors.Is(err, fs.ErrNotExist) {
		return c, ErrNoServer
	}
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(text, &c)
}
