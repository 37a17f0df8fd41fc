// One program for four Kubernetes commands: it runs the one whose name it was started under.
//
// The commands share nearly all of their packages, so one link step and one file replace four. Each command is a symlink
// to this binary; "hyperkube <command> ..." works too.
package main

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

func main() {
	commands := map[string]func() *cobra.Command{
		"kube-apiserver":          apiserver.NewAPIServerCommand,
		"kube-controller-manager": controllermanager.NewControllerManagerCommand,
		"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
		"kubectl":                 kubectl.NewDefaultKubectlCommand,
	}
	name := filepath.Base(os.Args[0])
	build, found := commands[name]
	if !found && len(os.Args) > 1 {
		name = os.Args[1]
		build, found = commands[name]
		os.Args = os.Args[1:]
	}
	if !found {
		os.Stderr.WriteString("usage: hyperkube {kube-apiserver|kube-controller-manager|kube-scheduler|kubectl} ...\n")
		os.Exit(2)
	}
	os.Exit(cli.Run(build()))
}
