package symbolon

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
)

// builtinOrganization is what `symbolon dev` starts with.
//
//go:embed organization.yaml
var builtinOrganization []byte

// Development is what a development folder remembers in dev.json (mode 0600): random credentials and the last address. It is what
// `symbolon env` prints.
type Development struct {
	Address            string `json:"address"`
	Issuer             string `json:"issuer"`
	Region             string `json:"region"`
	AccessKeyID        string `json:"accessKeyId"`
	SecretAccessKey    string `json:"secretAccessKey"`
	AccountID          string `json:"accountId"`
	InstanceARN        string `json:"instanceArn"`
	IdentityStoreID    string `json:"identityStoreId"`
	User               string `json:"user,omitempty"`
	Password           string `json:"password,omitempty"`
	OrganizationSeeded bool   `json:"organizationSeeded"`
}

// developmentFile marks a folder as one for development; `serve` refuses such a folder.
const developmentFile = "dev.json"

// IsDevelopment says whether the folder belongs to `symbolon dev`.
func IsDevelopment(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, developmentFile))
	return err == nil
}

// ReadDevelopment reads what the folder remembers; fs.ErrNotExist if no `symbolon dev` ran there.
func ReadDevelopment(folder string) (Development, error) {
	var d Development
	text, err := os.ReadFile(filepath.Join(folder, developmentFile))
	if err != nil {
		return d, err
	}
	return d, json.Unmarshal(text, &d)
}

// PrepareDevelopment makes the folder with fresh credentials, or reads what it already remembers. A folder of `symbolon serve` is
// refused: development would loosen what it guards.
func PrepareDevelopment(folder string) (Development, error) {
	d, err := ReadDevelopment(folder)
	if !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	if _, err := os.Stat(filepath.Join(folder, "symbolon.db")); err == nil {
		return d, fmt.Errorf("%s holds a production store; choose another folder for development", folder)
	}
	if err := makeFolder(folder); err != nil {
		return d, err
	}
	if err := os.WriteFile(filepath.Join(folder, ".gitignore"), []byte("*\n"), 0o600); err != nil {
		return d, err
	}
	d.AccessKeyID, d.SecretAccessKey = iam.NewAccessKey()
	d.Password = rand.Text()
	return d, d.Write(folder)
}

// Write remembers d durably.
func (d Development) Write(folder string) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	return writeDurably(filepath.Join(folder, developmentFile), append(text, '\n'))
}

// administrator is the IAM user whose key a development folder prints.
const administrator = "symbolon-administrator"

// Seed applies the organization (the built-in one if nil) once, and the administrator always, and completes d with the ids the server
// gave. Interrupted at any point, the next call goes on where it stopped.
func (s *Server) Seed(ctx context.Context, o *Organization, d *Development) error {
	if o == nil && !d.OrganizationSeeded {
		builtin, err := ParseOrganization("built-in organization", builtinOrganization)
		if err != nil {
			return err
		}
		d.User = builtin.Users[0].UserName
		builtin.Users[0].Password = d.Password
		o = builtin
	}
	if o != nil {
		if _, err := s.Apply(ctx, o); err != nil {
			return err
		}
	}
	if err := s.describe(ctx, d); err != nil {
		return err
	}
	_, err := s.Apply(ctx, administratorOf(d))
	d.OrganizationSeeded = err == nil
	return err
}

// describe fills in what the server knows of itself.
func (s *Server) describe(ctx context.Context, d *Development) error {
	d.Issuer, d.Region, d.Address = s.issuer, s.config.Region, s.config.Listen
	return s.db.View(ctx, func(tx *store.Tx) error {
		instances, err := ssoadmin.ListInstances(tx)
		if err != nil {
			return err
		}
		if len(instances) == 0 {
			return errors.New("the organization declares no instance")
		}
		d.InstanceARN, d.IdentityStoreID, d.AccountID = instances[0].ARN, instances[0].IdentityStoreID, instances[0].OwnerAccountID
		return nil
	})
}

// administratorOf is an organization of one IAM user that may do everything in the instance's account.
func administratorOf(d *Development) *Organization {
	return &Organization{IAM: IAMDeclaration{Users: []IAMUserDeclaration{{
		Account: d.AccountID, Name: administrator, AttachedPolicies: []string{iam.AdministratorAccess},
		AccessKeys: []AccessKeyDeclaration{{ID: d.AccessKeyID, Secret: d.SecretAccessKey}},
	}}}}
}

// BuiltinOrganization is the text of the organization `symbolon dev` starts with.
func BuiltinOrganization() []byte { return slices.Clone(builtinOrganization) }
