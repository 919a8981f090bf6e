"""What `run-contexts` gains by this project: one small Contexts plugin for each subject.

Contexts (0.12) sorts plugins by what `locate` returns and asks them in that order, and a plugin
can only name one neighbour on each side. So each subject that must come before one of Contexts'
own plugins is a plugin of its own (entry points in setup.cfg):

    target       before CommandLineSupplier: the path and the class that were asked for
    order        before Shuffler: one order from one seed
    foundation   before all of the following: what fails first of all, and ends the run
    running      before all of the following: grammar, session, Ctrl-C
    selection    after the grammar: the classes that were asked for
    sharding     after the selection: one part of them
    xml_errors   before XmlReporter: what it leaves out
    recording    after those: every context written down, before the verdict drops tracebacks
    verdict      before ExitCodeReporter and the printing reporters: exit code, plain errors
"""
