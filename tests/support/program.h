/* The command-line program, run with limits, and what it answered. */
#ifndef TEST_SUPPORT_PROGRAM_H
#define TEST_SUPPORT_PROGRAM_H

/* How a run ended. The texts end with the answer: see program_clear. */
typedef struct program_answer {
    int code;       /* exit code, or -signal */
    char *out;      /* standard output */
    char *error;    /* standard error */
    double seconds; /* of processor time: others may load the machine */
    long peak_mb;   /* the most memory that it had */
} program_answer;

/* Runs $CXAI (by $RUNNER where that is set) in a folder (NULL: this one) with
   arguments that end with NULL. It is ended after a minute. Standard input is
   empty. */
void program_run(program_answer *answer, const char *folder,
                 const char *const *arguments);

/* The same with the arguments listed: program_call(&a, "summary", "-m", path)
   in this folder. */
#define program_call(answer, ...)                                              \
    program_run(answer, NULL, (const char *const[]){ __VA_ARGS__, NULL })

void program_clear(program_answer *answer);

/* 1 where times and memory say something: no sanitizer, no $RUNNER. */
int program_is_measurable(void);

#endif
