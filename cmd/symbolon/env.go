package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/symbolon/symbolon"
)

func envCommand() *cobra.Command {
	var data, format string
	c := &cobra.Command{
		Use:   "env",
		Short: "Print the environment that points SDKs at a development server",
		Long: "Prints what a shell evaluates: the variables that point SDKs and the AWS CLI at a development server, and before them an `unset` of\n" +
			"those of another sign-in that would get in the way, such as AWS_SESSION_TOKEN and AWS_PROFILE. With --format json: the variables alone.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			state, err := symbolon.ReadDevelopment(data)
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%s is no development folder; start `symbolon dev --data %s` first", data, data)
			}
			if err != nil {
				return err
			}
			if state.InstanceARN == "" {
				return fmt.Errorf("the development server of %s has not finished its first start", data)
			}
			return printEnvironment(c, environment(state), format)
		},
	}
	c.Flags().StringVar(&data, "data", cmp.Or(os.Getenv(symbolon.EnvironmentPrefix+"DATA"), symbolon.DefaultData), "data folder of the development server")
	c.Flags().StringVar(&format, "format", "shell", "shell (unset and export lines) or json (an object)")
	return c
}

type variable struct{ name, value string }

// export is the line a POSIX shell evaluates.
func (v variable) export() string {
	return "export " + v.name + "='" + strings.ReplaceAll(v.value, "'", `'\''`) + "'"
}

// inTheWay are variables that a shell may have of another sign-in and that do not go with the ones we print: SDKs would send the session
// token with our access key, think it expired, sign with the profile's key in place of ours, or not read the endpoints.
var inTheWay = []string{
	"AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE",
	"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
}

// printShell writes what a POSIX shell evaluates.
func printShell(out io.Writer, vars []variable) {
	fmt.Fprintln(out, "unset "+strings.Join(inTheWay, " "))
	for _, v := range vars {
		fmt.Fprintln(out, v.export())
	}
}

// environment lists the variables. Some SDK parts read only the specific endpoint variables, so all are there.
func environment(d symbolon.Development) []variable {
	vars := []variable{
		{"AWS_ACCESS_KEY_ID", d.AccessKeyID}, {"AWS_SECRET_ACCESS_KEY", d.SecretAccessKey}, {"AWS_REGION", d.Region},
		{"AWS_DEFAULT_REGION", d.Region}, // what boto3 and the AWS CLI v1 read
		{"AWS_ENDPOINT_URL", d.Issuer},
	}
	for _, service := range []string{"SSO_OIDC", "SSO", "SSO_ADMIN", "IDENTITYSTORE", "STS", "IAM"} {
		vars = append(vars, variable{"AWS_ENDPOINT_URL_" + service, d.Issuer})
	}
	vars = append(vars, variable{"SYMBOLON_INSTANCE_ARN", d.InstanceARN}, variable{"SYMBOLON_IDENTITY_STORE_ID", d.IdentityStoreID},
		variable{"SYMBOLON_ACCOUNT_ID", d.AccountID}, variable{"SYMBOLON_ISSUER", d.Issuer})
	if d.User != "" {
		vars = append(vars, variable{"SYMBOLON_USER", d.User}, variable{"SYMBOLON_PASSWORD", d.Password})
	}
	return vars
}

func printEnvironment(c *cobra.Command, vars []variable, format string) error {
	switch format {
	case "shell":
		printShell(c.OutOrStdout(), vars)
		return nil
	case "json":
		object := map[string]string{}
		for _, v := range vars {
			object[v.name] = v.value
		}
		e := json.NewEncoder(c.OutOrStdout())
		e.SetIndent("", "  ")
		return e.Encode(object)
	}
	return fmt.Errorf("--format is %q, neither shell nor json", format)
}
