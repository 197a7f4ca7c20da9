// A registry of go-containerregistry with the referrers API, which its command line does not offer.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	listener, err := net.Listen("tcp", os.Args[1])
	if err == nil {
		err = http.Serve(listener, registry.New(registry.WithReferrersSupport(true)))
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
