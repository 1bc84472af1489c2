/* Ctrl-C (SIGINT): once it asks for an end with what there is, twice it ends
   the program. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

/* From here on. Where the signal is ignored, as by nohup, it stays so. */
void interrupt_listen(void);

/* Whether an end has been asked for. */
int interrupt_seen(void);

#endif
