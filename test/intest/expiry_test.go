// Package intest is the house as a Go test sees it: a server of package symbolontest, in the same process, spoken to by the SDK.
package intest

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/symbolon/symbolon/symbolontest"
)

func TestExpiry(t *testing.T) {
	srv := symbolontest.Start(t) // its own store, address and clock; AccessKeyID, SecretAccessKey, InstanceARN … are fields
	client := sts.New(sts.Options{
		BaseEndpoint: &srv.URL, Region: srv.Region,
		Credentials: credentials.NewStaticCredentialsProvider(srv.AccessKeyID, srv.SecretAccessKey, ""),
	})
	if _, err := client.GetCallerIdentity(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	srv.Advance(2 * time.Hour) // tokens expire when you say so
}

// The function above is the README's, to the letter.
func TestReadmeShowsTestExpiry(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("expiry_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(source), "func TestExpiry")
	example, _, _ = strings.Cut(example, "\n}\n")
	if !strings.Contains(string(readme), "func TestExpiry"+example+"\n}\n") {
		t.Error("the README's TestExpiry is not the one that is run here")
	}
}
