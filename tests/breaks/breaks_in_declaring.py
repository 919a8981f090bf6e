"""Breaks of what a repository may declare, and of how its versions are named."""

from __future__ import annotations

from breaking import Break, Damage

BINDS = "specs/definition_specs.py:WhenAServiceBindsFilesOfItsRepository"
DOORS = "specs/definition_specs.py:WhenServicesNameHaproxyAlone"
QUIET = "specs/definition_specs.py:WhenAnApplicationWithoutUrlIsBuiltOnItsNode"
TAG = "specs/version_specs.py:WhenATagIsDeployed"
SPELLED = "specs/version_specs.py:WhenARepositoryIsNamedInAnotherWay"
SPELLED_AGAIN = "specs/version_specs.py:WhenAnApplicationIsRedeployedByAnotherSpelling"

_FETCHED = '    _write_environment(application, directory / ".env")'

# Earlier in the PATH of the Consul container than the client itself.
_CLIENT = "docker exec cluster_consul_1"
_WRAPPER = "/usr/local/sbin/docker"
OLD_CLIENT = (
    f"{_CLIENT} sh -c 'printf \"#!/bin/sh\\nDOCKER_API_VERSION=1.41 exec /usr/bin/docker"
    f' \\"\\$@\\"\\n" > {_WRAPPER}; chmod +x {_WRAPPER}\''
)
NEW_CLIENT = f"{_CLIENT} rm -f {_WRAPPER}"

IN_DECLARING = (
    # --- definitions
    Break(
        name="bound-files-altered",
        how="the checkout holds other files than the repository",
        spec=BINDS,
        sentences=(
            "should_see_the_file_with_its_content",
            "should_see_the_files_of_the_directory_with_their_content",
        ),
        file="checkout.py",
        old=_FETCHED,
        new=(
            f'{_FETCHED}\n    for each in directory.rglob("*.txt"):\n'
            '        each.write_text("other")'
        ),
    ),
    Break(
        name="check-urls-ignored",
        how="CONSUL_CHECK_URLS is not registered",
        spec=BINDS,
        sentences=(
            "should_be_checked_at_the_url_that_it_asks_for",
            "should_have_been_asked_there_by_consul",
        ),
        file="steps/publish.py",
        old="for address in definition.addresses] + definition.check_urls",
        new="for address in definition.addresses]",
    ),
    Break(
        name="echo-at-a-wrong-address",
        how="the master of an echo writes an address into the record that is no node's",
        spec=BINDS,
        sentences=("should_answer_with_what_it_kept_through_every_node",),
        file="recording.py",
        old="ip=work.settings.address",
        new='ip="172.30.77.99"',
        alone=True,
    ),
    Break(
        name="fronts-not-merged",
        how="of two services that name one front, the last one has it alone",
        spec=DOORS,
        sentences=("should_answer_from_both_services_that_name_one_front",),
        file="fronts.py",
        old='            front["backends"] += [',
        new='            front["backends"] = [',
    ),
    Break(
        name="peer-port-ignored",
        how="other nodes ask the master's address at the container's port",
        spec=DOORS,
        sentences=(
            "should_answer_over_tcp_at_its_own_front",
            "should_answer_over_the_shared_http_front_by_host",
            "should_answer_over_the_shared_https_front_by_name_with_its_own_certificate",
        ),
        file="haproxy.py",
        old='(record.ip, each["peer_port"])',
        new='(record.ip, each["port"])',
        restart=True,
    ),
    Break(
        name="links-followed",
        how="the build gets no symbolic link, and another file",
        spec=QUIET,
        sentences=(
            "should_keep_a_link_that_is_copied_with_its_directory",
            "should_follow_a_link_that_is_copied_by_itself",
        ),
        file="checkout.py",
        old=_FETCHED,
        new=(
            f'{_FETCHED}\n    for each in directory.glob("image/content/link.txt"):\n'
            '        each.unlink()\n        each.write_text("other")'
        ),
    ),
    Break(
        name="service-json-ignored",
        how="service.json replaces nothing",
        spec=QUIET,
        sentences=("should_be_checked_as_its_service_json_says_and_in_no_other_way",),
        file="steps/publish.py",
        old="declared.read_text() if declared.exists() else None",
        new="None",
    ),
    Break(
        name="sites-for-doors",
        how="every service gets a site, whether it asks for one or not",
        spec=DOORS,
        sentences=("should_have_no_site_in_any_caddy",),
        file="definition.py",
        old=(
            '            service.caddyfile.strip().replace("$CONTAINER",'
            " containers[service.name])\n"
            "            for service in self.services\n"
            "            if service.caddyfile\n"
        ),
        new=(
            '            f"http://{service.name}.cluster.test {{\\n'
            ' reverse_proxy {containers[service.name]}:80\\n}}"\n'
            "            for service in self.services\n"
        ),
    ),
    Break(
        name="urls-invented",
        how="the record names a URL for what has none",
        spec=QUIET,
        sentences=("should_have_no_url_and_no_way_in",),
        file="recording.py",
        old="urls=sites",
        new='urls=sites or ["http://nowhere.cluster.test"]',
    ),
    Damage(
        name="client-of-another-level",
        how="core4's docker client speaks another API level than its engine",
        spec=QUIET,
        sentences=("should_be_built_by_a_client_and_an_engine_of_one_api_level",),
        node="core4",
        script=OLD_CLIENT,
        undo=NEW_CLIENT,
    ),
    # --- versions
    Break(
        name="checkouts-in-upper-case",
        how="the name of a checkout is not in lower case",
        spec=SPELLED,
        sentences=("should_take_its_name_from_the_path_in_lower_case",),
        file="names.py",
        old=(
            '        return f"{self.name}-{deploy_id}"\n\n'
            "    def is_checkout(self, directory: str) -> bool:\n"
            '        """Tell whether a directory\'s name is that of a checkout of this'
            ' application."""\n'
            '        start = f"{self.name}-"\n'
        ),
        new=(
            '        return f"{self.name.upper()}-{deploy_id}"\n\n'
            "    def is_checkout(self, directory: str) -> bool:\n"
            '        start = f"{self.name.upper()}-"\n'
        ),
    ),
    Break(
        name="tag-not-recorded",
        how="the record names another version",
        spec=TAG,
        sentences=("should_be_known_by_the_tag",),
        file="recording.py",
        old="branch=work.application.branch",
        new='branch="main"',
    ),
    Break(
        name="suffix-recorded",
        how="the record holds the URL with its suffix",
        spec=SPELLED,
        sentences=("should_remember_the_url_less_its_suffix",),
        file="recording.py",
        old="repo_url=work.application.url",
        new="repo_url=work.application.source",
    ),
    Break(
        name="previous-deploy-forgotten-by-spelling",
        how="the record knows of no deploy before",
        spec=SPELLED_AGAIN,
        sentences=("should_be_the_same_application_with_a_deploy_before_this_one",),
        file="recording.py",
        old="previous_deploy_id=work.record.deploy_id if work.record else None",
        new="previous_deploy_id=None",
    ),
)
